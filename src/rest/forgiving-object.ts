/** Bodies whose unknown fields are ignored, as clients of Bandwidth's API rely on it. */
import * as z from 'zod';
import { nearest } from '../validation/nearest.js';

/**
 * Takes unknown fields and leaves them alone, but for slips of known ones, which are refused: who misspells
 * `publishPermissions` believes that they were taken away, who misspells `streamAliases` that one stream alone is heard.
 */
export function forgivingObject<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.looseObject(shape).superRefine((given, context) => {
    for (const name of Object.keys(given)) {
      // Some clients repeat what stands in the path, such as `participantId` beside `participants`.
      if (Object.hasOwn(shape, name) || name.endsWith('Id')) continue;
      const meant = nearest(name, Object.keys(shape));
      if (meant === null) continue;
      context.addIssue({ code: 'custom', path: [name], message: `is not known here; it is called ${meant}` });
    }
  });
}
