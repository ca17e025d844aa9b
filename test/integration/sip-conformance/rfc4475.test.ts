/** The torture messages of RFC 4475, as the files of its appendix have them. */
import { runTortureMessages } from './torture-run.js';
import { verdicts } from './torture-verdicts.js';

runTortureMessages({
  rfc: 4475,
  verdicts,
  methods: [
    ...['invite', 'register', 'message', 'options'],
    ...["!interesting-method0123456789_*+`.%indeed'~", 're%47ist%45r'],
  ],
  host: '127.0.0.1',
});
