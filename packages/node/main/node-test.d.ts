import { Options, Sesame } from './index.js';

/** One server for the tests of this file or of this `describe`, empty (or seeded) before each test. A failed test shows its log. */
export function sesame(options?: Options): Sesame;
