/**
 * Property tests draw the same values in every run, so that a failure is a change's and not chance's. FAST_CHECK_SEED draws others:
 * `FAST_CHECK_SEED=$RANDOM npx vitest run --project unit`.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['FAST_CHECK_SEED'] ?? 20_261_120) });
