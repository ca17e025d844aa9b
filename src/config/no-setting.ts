/** What an operator is told of a name that is no setting, and which one was meant where one is near. */
import { nearest } from '../validation/nearest.js';
import { listGroups } from './settings.js';

const prefix = 'LANDBRIDGE_';

/** The sentence for an environment variable. */
export function noVariable(name: string): string {
  const known = allSettings().flatMap(({ environment, isSecret }) =>
    environment === null ? [] : [environment, ...(isSecret ? [`${environment}_FILE`] : [])],
  );
  // All have the same beginning, in which no likeness lies.
  const meant = nearest(
    name.slice(prefix.length),
    known.map((one) => one.slice(prefix.length)),
  );
  return `${name} is no setting of Landbridge${hint(meant === null ? null : `${prefix}${meant}`)}`;
}

/** The sentence for a name in the file, with dots where it stands in a group. */
export function noPath(name: string): string {
  const groups = listGroups().flatMap((group) => (group.name === null ? [] : [group.name]));
  const variable = allSettings().find(({ environment }) => environment === name);
  const paths = [...groups, ...allSettings().map(({ path }) => path.join('.'))];
  const meant = variable === undefined ? nearest(name, paths) : variable.path.join('.');
  return `${name === '' ? 'the empty name' : name} is no setting of Landbridge${hint(meant)}`;
}

const hint = (meant: string | null): string => (meant === null ? '' : `; did you mean ${meant}?`);

const allSettings = () => listGroups().flatMap(({ settings }) => settings);
