/** What selects the calls that a rule changes. */
export interface Which {
  /** At most this many calls; without it, all. */
  times?: number;
  /** Only calls that name a secret of this name; `*` stands for any text, `?` for one character. */
  secret?: string;
}

/** A call that the server got. Values are never in it. */
export interface Call {
  action: string;
  /** The secret that it names. */
  secret: string | null;
  /** The error code, or null for a call that was answered. */
  code: string | null;
  status: number;
  caller: string | null;
  reason?: string;
  time: string;
  [more: string]: unknown;
}

/** Patterns for members of calls; `*` stands for any text, `?` for one character. */
export interface Members {
  secret?: string;
  key?: string;
  version?: string;
  label?: string;
  caller?: string;
  code?: string;
  status?: number | string;
  [more: string]: unknown;
}

export interface Options {
  /** Who is let in: `open` (the default), `signed` or `enforced`. */
  auth?: 'open' | 'signed' | 'enforced';
  /** Host and port; the default is a free port of 127.0.0.1. */
  listen?: string;
  /** Further flags of `sesame serve`. */
  args?: string[];
  /** The program; the default is what `findProgram()` finds. */
  program?: string;
  /** A seed to begin with: the path of a file, or an object. */
  seed?: string | object;
}

/** A server in memory. It ends with `stop()`, or with this process, however that ends. */
export class Sesame {
  constructor(options?: Options);
  /** Starts a server; the error has its last lines when it cannot start. */
  static start(options?: Options): Promise<Sesame>;
  start(): Promise<this>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
  /** The address, such as http://127.0.0.1:40123. */
  readonly url: string;
  /** Host and port, as the SDKs want it. */
  readonly endpoint: string;
  accessKeyId: string;
  accessKeySecret: string;
  region: string;
  /** Variables for programs under test. */
  readonly env: Record<string, string>;
  /** The official client (@alicloud/kms20160120), which the project itself installs. */
  client(): any;
  /** Removes everything; the clock and the faults are as at the start. */
  reset(): Promise<void>;
  /** Applies a seed: the path of a file in YAML or JSON, or an object. */
  seed(seed: string | object): Promise<void>;
  /** The server's log from a place that `logSize()` gave. */
  log(start?: number): string;
  logSize(): number;
  readonly faults: {
    /** Calls get `Rejected.Throttling`. */
    throttle(action?: string, which?: Which): Promise<void>;
    /** Calls get an error code of the cloud and are not carried out. */
    fail(action: string, code: string, which?: Which): Promise<void>;
    delay(action: string, milliseconds: number, which?: Which): Promise<void>;
    /** Calls are carried out, and the connection is closed without an answer. */
    loseAnswer(action: string, which?: Which): Promise<void>;
    /** Adds a rule with the members of the server's own rules. */
    add(rule: object): Promise<void>;
    rules(): Promise<Array<Record<string, unknown>>>;
    clear(): Promise<void>;
  };
  readonly clock: {
    /** Moves the clock forward; what is due is done before the promise is fulfilled with the new time. */
    advance(by: { days?: number; hours?: number; minutes?: number; seconds?: number }): Promise<Date>;
    set(time: string | Date): Promise<Date>;
    /** Stops the clock at its present time. */
    freeze(): Promise<void>;
    resume(): Promise<void>;
    now(): Promise<Date>;
  };
  readonly requests: {
    /** The calls in the order in which they came, at most the last 10,000. */
    all(action?: string, members?: Members): Promise<Call[]>;
    /** How many calls fit. */
    count(action?: string, members?: Members): Promise<number>;
    /** Rejects, with the nearest misses, unless calls came that fit: exactly `times`, or `atLeast` and `atMost`, or at least one. */
    verify(action?: string, expected?: Members & { times?: number; atLeast?: number; atMost?: number }): Promise<void>;
    /** Rejects unless all expectations hold (members as the server has them: `times`, `at_least`, `at_most`), and their order. */
    verifyAll(expectations: Array<Members & { action?: string }>, options?: { inOrder?: boolean }): Promise<void>;
  };
}

/** The path of the program: SESAME_PROGRAM, else the package of this platform, else `sesame` on the PATH. */
export function findProgram(): string;
