/** The messages of RFC 5118, with addresses of IPv6 in all places, and over IPv6. */
import { ipv6Verdicts } from './torture-verdicts.js';
import { runTortureMessages } from './torture-run.js';

runTortureMessages({
  rfc: 5118,
  verdicts: ipv6Verdicts,
  methods: ['invite', 'register', 'options'],
  host: '::1',
});
