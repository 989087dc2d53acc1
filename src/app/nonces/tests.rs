use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Barrier;

use proptest::prelude::*;

use super::files::Kept;
use super::memory::{Entry, Memory, Refused};
use super::span::{Clocks, GENERATION_MS, Generation, SKEW_MS};
use crate::crypto::{RootKey, ShortHash, SymmetricKey};
use crate::domain::NonceLimits;

/// The machine's time at the start of a test.
const T: i64 = 1_795_491_000_000;
const MINUTE: i64 = 60_000;
const LIMITS: NonceLimits = NonceLimits { per_principal: 1_000_000, total: 1_000_000 };

/// Both clocks at the same instant.
fn both(at: i64) -> Clocks {
    Clocks { machine: at, service: at }
}

fn hash(byte: u8) -> ShortHash {
    RootKey::from_key(&SymmetricKey::from_bytes([byte; 32])).unwrap().nonce_hash().clone()
}

/// The entry of a nonce.
fn entry(nonce: u64, signed: i64) -> Entry {
    Entry { hash: hash(1).of("key", &nonce.to_string()).max(1), principal: 1, signed }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Insertion {
    First,
    Used,
    Forgotten,
    Full,
    NotKept,
}

fn used(memory: &Memory, entry: Entry, clocks: Clocks) -> Insertion {
    match memory.first_use(entry, clocks) {
        Ok(()) => Insertion::First,
        Err(Refused::Used) => Insertion::Used,
        Err(Refused::Forgotten) => Insertion::Forgotten,
        Err(Refused::Full(_)) => Insertion::Full,
        Err(Refused::NotKept(_)) => Insertion::NotKept,
    }
}

/// What the next process reads from the files next to a database.
fn opened(dir: &Path, is_new: bool, root: u8, clocks: Clocks) -> Memory {
    let kept = Kept::read(&dir.join("db"), is_new, &hash(root), clocks.machine).unwrap();
    Memory::kept(LIMITS, kept, clocks).unwrap()
}

fn files(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = names.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The file of the generation of a signed time.
fn file_of(dir: &Path, signed: i64) -> std::path::PathBuf {
    dir.join(format!("db-nonces-{}", Generation::of(signed).0))
}

#[test]
fn a_nonce_is_known_as_long_as_its_signature_is_fresh_and_then_its_time_is_refused() {
    let memory = Memory::new(LIMITS);
    // Signed by a clock that is ahead by the allowed skew.
    let ahead = entry(1, T + SKEW_MS);
    assert_eq!(used(&memory, ahead, both(T)), Insertion::First);
    for minutes in 0..=30 {
        let now = both(T + minutes * MINUTE);
        assert_eq!(used(&memory, ahead, now), Insertion::Used, "{minutes}");
        // Other requests continue meanwhile.
        let other = entry(100 + u64::try_from(minutes).unwrap(), now.machine);
        assert_eq!(used(&memory, other, now), Insertion::First);
    }
    assert_eq!(memory.count(), 1 + 16, "what nobody can replay any more was forgotten");
    let later = both(T + 60 * MINUTE);
    assert_eq!(used(&memory, entry(2, later.machine), later), Insertion::First);
    assert_eq!(memory.count(), 1);
    // The service's clock is moved back to a time at which the signature is fresh.
    let back = Clocks { machine: later.machine, service: T };
    assert_eq!(used(&memory, ahead, back), Insertion::Forgotten);
    assert_eq!(
        used(&memory, entry(3, T), back),
        Insertion::Forgotten,
        "a new nonce of that time is refused, too"
    );
    assert_eq!(used(&memory, entry(4, later.machine), back), Insertion::First);
}

#[test]
fn a_nonce_is_not_good_under_another_time_either() {
    let memory = Memory::new(LIMITS);
    assert_eq!(used(&memory, entry(1, T), both(T)), Insertion::First);
    for minutes in [-15, -1, 1, 15] {
        assert_eq!(used(&memory, entry(1, T + minutes * MINUTE), both(T)), Insertion::Used);
    }
}

#[test]
fn a_clock_may_be_set_to_the_same_instant_of_the_past_or_future_again_and_again() {
    let memory = Memory::new(LIMITS);
    let year = 365 * 24 * 60 * MINUTE;
    for round in 0..3 {
        for (n, far) in [-10 * year, 4 * year, -60 * MINUTE, 600 * MINUTE].into_iter().enumerate() {
            let (step, service) = (round * 4 + n as u64, T + far);
            let machine = T + 20 * MINUTE * i64::try_from(step).unwrap();
            let moved = Clocks { machine, service };
            assert_eq!(used(&memory, entry(step, service), moved), Insertion::First, "{far} {round}");
            assert_eq!(used(&memory, entry(step, service), moved), Insertion::Used);
            assert_eq!(used(&memory, entry(step + 1000, machine), both(machine)), Insertion::First);
        }
    }
}

#[test]
fn a_generation_ahead_of_the_machines_clock_is_never_given_up() {
    let limits = NonceLimits { per_principal: 100, total: 1000 };
    let memory = Memory::new(limits);
    let ahead = |n: u64| T + SKEW_MS * 4 + i64::try_from(n).unwrap() * GENERATION_MS;
    for n in 0..100 {
        let moved = Clocks { machine: T, service: ahead(n) };
        assert_eq!(used(&memory, entry(n, ahead(n)), moved), Insertion::First);
    }
    let moved = Clocks { machine: T, service: T };
    assert_eq!(used(&memory, entry(1000, T), moved), Insertion::Full, "no room is made by giving them up");
    for n in 0..100 {
        let there = Clocks { machine: T, service: ahead(n) };
        assert_eq!(used(&memory, entry(n, ahead(n)), there), Insertion::Used, "{n}");
    }
    // The nonce is still remembered when the machine's clock gets there.
    let now = both(ahead(99) + MINUTE);
    assert_eq!(used(&memory, entry(2000, now.machine), now), Insertion::First);
}

#[test]
fn nonces_of_a_moved_clock_give_their_room_up_to_others() {
    let memory = Memory::new(NonceLimits { per_principal: 100, total: 1000 });
    let past = Clocks { machine: T, service: T - 100 * GENERATION_MS };
    for n in 0..100 {
        assert_eq!(used(&memory, entry(n, past.service), past), Insertion::First);
    }
    assert_eq!(used(&memory, entry(100, past.service), past), Insertion::Full, "the clock stands there");
    assert_eq!(used(&memory, entry(101, T), both(T)), Insertion::First);
    assert_eq!(used(&memory, entry(1, past.service), past), Insertion::Forgotten);
    // However often the clock is set, the memory for it stays bounded.
    let memory = Memory::new(LIMITS);
    for n in 1..500 {
        let past =
            Clocks { machine: T, service: T - SKEW_MS - i64::try_from(n).unwrap() * 7 * GENERATION_MS };
        assert_eq!(used(&memory, entry(n, past.service), past), Insertion::First);
        assert_eq!(memory.sweep(both(T), super::memory::PAST_KEPT).unwrap(), n > 64);
    }
    assert_eq!(memory.count(), 64);
}

#[test]
fn of_a_nonce_that_many_use_at_once_one_is_the_first() {
    let memory = Memory::new(LIMITS);
    let (threads, nonces) = (4, 5_000);
    let barrier = Barrier::new(threads);
    let firsts = std::thread::scope(|scope| {
        let run = || {
            barrier.wait();
            (0..nonces).filter(|n| used(&memory, entry(*n, T), both(T)) == Insertion::First).count()
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
    });
    assert_eq!((firsts, memory.count()), (5_000, 5_000));
}

#[test]
fn nonces_are_known_whatever_moment_others_are_forgotten_at() {
    let memory = Memory::new(LIMITS);
    std::thread::scope(|scope| {
        let users: Vec<_> = (0..3_u64)
            .map(|user| {
                let memory = &memory;
                scope.spawn(move || {
                    for step in 0..3_000 {
                        let now = both(T + step * 7_000);
                        let nonce =
                            entry(user << 32 | u64::try_from(step).unwrap(), now.machine - 14 * MINUTE);
                        let first = used(memory, nonce, now);
                        let again = used(memory, nonce, now);
                        // The threads are at different steps, so the clock of one may have made the memory forget the time of another.
                        assert!(matches!(first, Insertion::First | Insertion::Forgotten), "{first:?}");
                        assert!(matches!(again, Insertion::Used | Insertion::Forgotten), "{again:?}");
                    }
                })
            })
            .collect();
        for user in users {
            user.join().unwrap();
        }
    });
}

#[test]
fn what_was_written_down_is_known_to_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    let memory = opened(dir.path(), true, 1, both(T));
    for n in 0..1_000 {
        assert_eq!(used(&memory, entry(n, T - i64::try_from(n).unwrap() * 500), both(T)), Insertion::First);
    }
    assert_eq!(files(dir.path()).len(), 3 + 1, "{:?}", files(dir.path()));
    for file in files(dir.path()) {
        let mode = std::fs::metadata(dir.path().join(&file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    memory.flush_and_close().unwrap();
    // Once more, because an append must not damage what was read.
    for round in 0..3 {
        let memory = opened(dir.path(), false, 1, both(T));
        assert_eq!(memory.count(), 1_000 + round);
        for n in 0..1_000 {
            let signed = T - i64::try_from(n).unwrap() * 500;
            assert_eq!(used(&memory, entry(n, signed), both(T)), Insertion::Used);
        }
        assert_eq!(used(&memory, entry(2_000 + round, T), both(T)), Insertion::First);
        memory.flush_and_close().unwrap();
    }
}

#[test]
fn what_a_killed_process_had_not_written_yet_lies_in_seconds_that_count_as_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    let mut is_new = true;
    for round in 0..4_u64 {
        let memory = opened(dir.path(), is_new, 1, both(T));
        is_new = false;
        for nonce in &all {
            let outcome = used(&memory, *nonce, both(T));
            assert!(matches!(outcome, Insertion::Used | Insertion::Forgotten), "{round}: {outcome:?}");
        }
        // Few or many nonces in a second, from clocks that differ by more seconds than may be open at once.
        for n in 0..[3, 700, 5_000, 40][usize::try_from(round).unwrap()] {
            let second = if round == 3 { n % 40 } else { n % 5 };
            let signed = T - 500_000 + i64::try_from(round * 100 + second).unwrap() * 1000;
            let nonce = entry(round << 32 | n, signed);
            assert_eq!(used(&memory, nonce, both(T)), Insertion::First, "{round} {n}");
            all.push(nonce);
        }
        // As after kill -9: nothing is written at the end.
    }
    let memory = opened(dir.path(), false, 1, both(T));
    // The last sixteen seconds of the last process are refused, and at most five of each other; the adjacent seconds are not.
    let seconds = (0..500).filter(|second| {
        let signed = T - 500_000 + second * 1000;
        used(&memory, entry(u64::MAX - second.unsigned_abs(), signed), both(T)) == Insertion::Forgotten
    });
    let seconds: Vec<_> = seconds.collect();
    let want: Vec<i64> = [0, 100, 200].into_iter().flat_map(|n| n..n + 5).chain(324..340).collect();
    assert!(seconds.iter().all(|second| want.contains(second)), "{seconds:?}");
    assert!(seconds.len() > 16, "{seconds:?}");
}

#[test]
fn after_a_crash_a_start_waits_for_the_next_second_and_no_longer() {
    let dir = tempfile::tempdir().unwrap();
    let killed = opened(dir.path(), true, 1, both(T));
    assert_eq!(killed.refuses_now_for(T), None);
    assert_eq!(used(&killed, entry(1, T), both(T + 100)), Insertion::First);
    drop(killed);
    let next = opened(dir.path(), false, 1, both(T + 400));
    assert_eq!(next.refuses_now_for(T + 400), Some(600));
    assert_eq!(used(&next, entry(2, T), both(T + 400)), Insertion::Forgotten);
    assert_eq!(next.refuses_now_for(T + 1000), None);
    assert_eq!(used(&next, entry(2, T + 1000), both(T + 1000)), Insertion::First);
}

#[test]
fn a_process_that_cannot_write_the_index_starts_and_changes_no_file_until_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let killed = opened(dir.path(), true, 1, both(T));
    assert_eq!(used(&killed, entry(1, T), both(T)), Insertion::First);
    drop(killed);
    // The draft of the index cannot be created, as on a full disk.
    let drafts = (0..100).map(|n| dir.path().join(format!("db-nonces.{}-{n}.new", std::process::id())));
    let drafts: Vec<_> = drafts.collect();
    drafts.iter().for_each(|draft| std::fs::create_dir(draft).unwrap());
    let before = files(dir.path());
    let memory = opened(dir.path(), false, 1, both(T + 1000));
    assert_eq!(used(&memory, entry(2, T + 1000), both(T + 1000)), Insertion::NotKept);
    assert_eq!(used(&memory, entry(1, T), both(T + 1000)), Insertion::NotKept);
    assert!(memory.flush_and_close().is_err());
    assert_eq!(files(dir.path()), before);
    drop(memory);
    drafts.iter().for_each(|draft| std::fs::remove_dir(draft).unwrap());
    let memory = opened(dir.path(), false, 1, both(T + 2000));
    assert!(matches!(used(&memory, entry(1, T), both(T + 2000)), Insertion::Forgotten | Insertion::Used));
    assert_eq!(used(&memory, entry(3, T + 2000), both(T + 2000)), Insertion::First);
}

#[test]
fn after_a_write_that_failed_no_second_is_taken_for_open() {
    let dir = tempfile::tempdir().unwrap();
    let memory = opened(dir.path(), true, 1, both(T));
    assert_eq!(used(&memory, entry(1, T), both(T)), Insertion::First);
    assert_eq!(used(&memory, entry(2, T), both(T)), Insertion::First, "this one is collected");
    // The file is closed and cannot be opened again.
    memory.flush_and_close().unwrap();
    let (path, away) = (file_of(dir.path(), T), dir.path().join("away"));
    std::fs::rename(&path, &away).unwrap();
    for _ in 0..2 {
        assert_eq!(used(&memory, entry(3, T), both(T)), Insertion::NotKept);
    }
    std::fs::rename(&away, &path).unwrap();
    assert_eq!(used(&memory, entry(3, T), both(T)), Insertion::First);
    let memory = opened(dir.path(), false, 1, both(T));
    assert_eq!(memory.count(), 3);
    assert_eq!(used(&memory, entry(3, T), both(T)), Insertion::Forgotten);
}

#[test]
fn files_of_what_is_forgotten_are_removed_and_its_time_stays_refused() {
    let dir = tempfile::tempdir().unwrap();
    let memory = opened(dir.path(), true, 1, both(T));
    assert_eq!(used(&memory, entry(1, T), both(T)), Insertion::First);
    let later = both(T + 60 * MINUTE);
    assert_eq!(used(&memory, entry(2, later.machine), later), Insertion::First);
    let names = ["db-nonces".to_owned(), format!("db-nonces-{}", Generation::of(later.machine).0)];
    assert_eq!(files(dir.path()), names);
    let back = Clocks { machine: later.machine, service: T };
    // The same holds if no process ran in the meantime, and if a file was left over.
    std::fs::write(file_of(dir.path(), T), b"left over").unwrap();
    let memory = opened(dir.path(), false, 1, back);
    assert_eq!(files(dir.path()), names);
    assert_eq!(used(&memory, entry(1, T), back), Insertion::Forgotten);
    let much_later = T + 600 * MINUTE;
    let memory = opened(dir.path(), false, 1, both(much_later));
    let back = Clocks { machine: much_later, service: later.machine };
    assert_eq!(used(&memory, entry(2, later.machine), back), Insertion::Forgotten);
    assert_eq!(files(dir.path()), names[..1]);
}

/// Checks the state after a loss: replays are refused, and so is everything signed until the start, but nothing after it.
fn lost(dir: &Path, root: u8, what: &str) {
    let start = T + MINUTE;
    let memory = opened(dir, false, root, both(start));
    let replayed = used(&memory, entry(1, T), both(start));
    assert!(matches!(replayed, Insertion::Used | Insertion::Forgotten), "{what}: {replayed:?}");
    assert_eq!(used(&memory, entry(7, T), both(start)), Insertion::Forgotten, "{what}");
    assert_eq!(used(&memory, entry(8, start), both(start)), Insertion::Forgotten, "{what}");
    assert_eq!(used(&memory, entry(9, start + 1), both(start)), Insertion::First, "{what}");
    memory.flush_and_close().unwrap();
    // The loss is recorded from then on.
    let memory = opened(dir, false, root, both(start + MINUTE));
    assert_eq!(used(&memory, entry(7, T), both(start)), Insertion::Forgotten, "{what}");
    assert_eq!(used(&memory, entry(9, start + 1), both(start)), Insertion::Used, "{what}");
    assert_eq!(used(&memory, entry(10, start + 2), both(start)), Insertion::First, "{what}");
}

#[test]
fn what_is_lost_or_damaged_counts_as_forgotten_up_to_the_start() {
    type Harm = fn(&Path);
    let index = |dir: &Path| dir.join("db-nonces");
    let harms: &[(&str, Harm)] = &[
        ("the file is torn", |dir| {
            let file = std::fs::OpenOptions::new().write(true).open(file_of(dir, T)).unwrap();
            file.set_len(file.metadata().unwrap().len() - 5).unwrap();
        }),
        ("the file is empty", |dir| std::fs::write(file_of(dir, T), b"").unwrap()),
        ("the file is gone", |dir| std::fs::remove_file(file_of(dir, T)).unwrap()),
        ("the index is gone", |dir| std::fs::remove_file(dir.join("db-nonces")).unwrap()),
        ("the index is torn", |dir| std::fs::write(dir.join("db-nonces"), b"{\"form\":1,").unwrap()),
        ("the index is of another form", |dir| {
            let text = std::fs::read_to_string(dir.join("db-nonces")).unwrap();
            std::fs::write(dir.join("db-nonces"), text.replace("\"form\":1", "\"form\":2")).unwrap();
        }),
        ("the machine's power failed", |dir| {
            let mut bytes = std::fs::read(file_of(dir, T)).unwrap();
            let end = bytes.len();
            bytes[end - 12..].fill(0);
            std::fs::write(file_of(dir, T), bytes).unwrap();
            let text = std::fs::read_to_string(dir.join("db-nonces")).unwrap();
            let at = text.find("\"boot\":\"").unwrap() + 8;
            std::fs::write(dir.join("db-nonces"), format!("{}x{}", &text[..at], &text[at..])).unwrap();
        }),
    ];
    for (what, harm) in harms {
        let dir = tempfile::tempdir().unwrap();
        let memory = opened(dir.path(), true, 1, both(T));
        assert_eq!(used(&memory, entry(1, T), both(T)), Insertion::First);
        harm(dir.path());
        lost(dir.path(), 1, what);
    }
    // An older copy is restored, which does not have a nonce that was used since.
    let dir = tempfile::tempdir().unwrap();
    let memory = opened(dir.path(), true, 1, both(T));
    assert_eq!(used(&memory, entry(0, T - 10 * MINUTE), both(T)), Insertion::First);
    let copies: Vec<_> = files(dir.path()).into_iter().map(|name| dir.path().join(name)).collect();
    let copies: Vec<_> = copies.iter().map(|path| (path, std::fs::read(path).unwrap())).collect();
    assert_eq!(used(&memory, entry(1, T), both(T)), Insertion::First);
    std::fs::remove_file(file_of(dir.path(), T)).unwrap();
    for (path, bytes) in copies {
        std::fs::write(path, bytes).unwrap();
    }
    assert!(index(dir.path()).exists());
    lost(dir.path(), 1, "an older state was put back");
    // With a different root key nothing in the files can be found.
    let dir = tempfile::tempdir().unwrap();
    let memory = opened(dir.path(), true, 1, both(T));
    assert_eq!(used(&memory, entry(1, T), both(T)), Insertion::First);
    lost(dir.path(), 2, "the root key was replaced");
    // A database that is not new has no files, because an earlier release served it.
    lost(tempfile::tempdir().unwrap().path(), 1, "there are no files");
}

#[test]
fn what_cannot_be_written_down_is_refused_and_good_later() {
    let dir = tempfile::tempdir().unwrap();
    let memory = opened(dir.path(), true, 1, both(T));
    assert_eq!(used(&memory, entry(1, T), both(T)), Insertion::First);
    // No file can be created where a directory has its name.
    let next = T + SKEW_MS;
    std::fs::create_dir(file_of(dir.path(), next)).unwrap();
    for _ in 0..2 {
        assert_eq!(used(&memory, entry(2, next), both(T)), Insertion::NotKept);
    }
    assert_eq!(used(&memory, entry(3, T), both(T)), Insertion::First, "others are not concerned");
    std::fs::remove_dir(file_of(dir.path(), next)).unwrap();
    assert_eq!(used(&memory, entry(2, next), both(T)), Insertion::First);
    assert_eq!((used(&memory, entry(2, next), both(T)), memory.count()), (Insertion::Used, 3));
    memory.flush_and_close().unwrap();
    let memory = opened(dir.path(), false, 1, both(T));
    assert_eq!(used(&memory, entry(2, next), both(T)), Insertion::Used);
}

/// A step of the model.
#[derive(Debug, Clone)]
enum Step {
    /// Time passes, in seconds.
    Pass(i64),
    /// The service's clock is set to this many minutes from the machine's, stopped or running.
    Move(i64, bool),
    /// The service's clock is reset to the machine's.
    Resume,
    /// A new nonce is used, signed this many milliseconds from the machine's or the service's clock.
    Use(i64, bool),
    /// A used nonce is replayed.
    Replay(prop::sample::Index),
    /// The process is killed or ends, and another one starts.
    Restart(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let minutes = prop_oneof![
        -100_i64..100,
        (-3_i64..=3).prop_map(|years| years * 525_600),
        // Instants to which the clock returns.
        prop::sample::select(vec![-1000_i64, 1000, 40, -40]),
    ];
    let skew = prop_oneof![Just(-SKEW_MS), Just(SKEW_MS), -SKEW_MS..=SKEW_MS];
    prop_oneof![
        3 => prop_oneof![0_i64..200, 0_i64..3600, Just(86_400)].prop_map(Step::Pass),
        2 => (minutes, any::<bool>()).prop_map(|(by, stands)| Step::Move(by, stands)),
        1 => Just(Step::Resume),
        8 => (skew, any::<bool>()).prop_map(|(by, service)| Step::Use(by, service)),
        8 => any::<prop::sample::Index>().prop_map(Step::Replay),
        1 => any::<bool>().prop_map(Step::Restart),
    ]
}

/// The model: a plain list.
#[derive(Debug)]
struct Model {
    machine: i64,
    /// How far the service's clock is ahead, and the instant at which it is stopped, if it is.
    ahead: i64,
    stands: Option<i64>,
    used: Vec<Entry>,
    /// Generations of used nonces. Only these may ever be refused.
    generations: HashSet<Generation>,
    /// Seconds of nonces that were used before a process was killed.
    killed: HashSet<i64>,
}

impl Model {
    fn clocks(&self) -> Clocks {
        Clocks { machine: self.machine, service: self.stands.unwrap_or(self.machine + self.ahead) }
    }

    fn is_fresh(&self, signed: i64) -> bool {
        let Clocks { machine, service } = self.clocks();
        (machine - signed).abs() <= SKEW_MS || (service - signed).abs() <= SKEW_MS
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// However the clocks are moved, a used nonce is never accepted again. A new one is refused only if nonces of its time were
    /// forgotten, which never happens to the machine's present or future.
    #[test]
    fn nonces_are_as_in_a_plain_list(steps in prop::collection::vec(step(), 1..120), on_disk in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let mut model = Model {
            machine: T, ahead: 0, stands: None, used: Vec::new(), generations: HashSet::new(), killed: HashSet::new(),
        };
        let mut memory =
            if on_disk { opened(dir.path(), true, 1, both(T)) } else { Memory::new(LIMITS) };
        for step in steps {
            match step {
                Step::Pass(seconds) => model.machine += seconds * 1000,
                Step::Move(minutes, stands) => {
                    model.ahead = minutes * MINUTE;
                    // The same instants repeatedly, whatever the machine's time is.
                    model.stands = stands.then_some(T + model.ahead);
                }
                Step::Resume => (model.ahead, model.stands) = (0, None),
                Step::Use(by, by_service) => {
                    let clocks = model.clocks();
                    let signed = by + if by_service { clocks.service } else { clocks.machine };
                    let entry = entry(model.used.len() as u64, signed);
                    match used(&memory, entry, clocks) {
                        Insertion::First => {
                            model.generations.insert(Generation::of(signed));
                            model.used.push(entry);
                        }
                        Insertion::Forgotten if model.killed.contains(&signed.div_euclid(1000)) => {}
                        Insertion::Forgotten => {
                            prop_assert!(signed < model.machine - SKEW_MS, "the present is refused");
                            prop_assert!(model.generations.contains(&Generation::of(signed)), "without a reason");
                        }
                        other => prop_assert!(false, "a new nonce is {:?}", other),
                    }
                }
                Step::Replay(which) if !model.used.is_empty() => {
                    let replayed = *which.get(&model.used);
                    if model.is_fresh(replayed.signed) {
                        let outcome = used(&memory, replayed, model.clocks());
                        prop_assert!(matches!(outcome, Insertion::Used | Insertion::Forgotten), "{:?}", outcome);
                    }
                }
                Step::Restart(kill) if on_disk => {
                    if kill {
                        model.killed.extend(model.used.iter().map(|entry| entry.signed.div_euclid(1000)));
                    } else {
                        memory.flush_and_close().unwrap();
                    }
                    memory = opened(dir.path(), false, 1, model.clocks());
                }
                Step::Replay(_) | Step::Restart(_) => {}
            }
        }
    }
}
