//! The nonces that this process remembers.
//!
//! A nonce belongs to the generation of its signed time and, by its hash, to one of 256 shards. Generations are
//! forgotten as a whole, and the span of signed time of a forgotten generation is refused from then on. A shard adds
//! the span and drops the nonces under the same lock, so a used nonce is always either remembered or in a span.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::budget::{Budget, Full};
use super::files::{Files, Kept, Log};
use super::span::{Clocks, Generation, SKEW_MS, Spans};
use super::table::Table;
use crate::domain::NonceLimits;
use crate::ports::private_file::Durability;

/// The shortest time between two sweeps, in milliseconds of the machine's clock.
const SWEEP_MS: i64 = 30_000;
/// How many expired generations of a moved clock are kept. They allow a test to set the clock to the same instant of
/// the past repeatedly.
pub(super) const PAST_KEPT: usize = 64;

/// A nonce.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// The hash of access key and nonce, never zero.
    pub(super) hash: u64,
    /// The hash of the principal whose budget it uses.
    pub(super) principal: u32,
    /// When the request was signed, in milliseconds since 1970.
    pub(super) signed: i64,
}

/// Why a nonce was refused.
#[derive(Debug)]
pub(super) enum Refused {
    /// It was used before.
    Used,
    /// Nonces of its time were forgotten.
    Forgotten,
    /// The principal has no budget left.
    Full(Full),
    /// It could not be written to the file.
    NotKept(std::io::Error),
}

/// One of 256 parts of the nonces.
#[derive(Debug, Default)]
struct Shard {
    /// The spans of signed time whose nonces this shard has dropped.
    forgotten: Arc<Spans>,
    pages: Vec<Page>,
}

/// The nonces of one generation in one shard.
#[derive(Debug)]
struct Page {
    generation: Generation,
    table: Table,
    log: Option<Arc<Log>>,
}

/// A remembered generation.
#[derive(Debug)]
struct Known {
    generation: Generation,
    log: Option<Arc<Log>>,
    /// Whether the machine's clock was ever near it. If not, the service's clock had been moved there.
    by_machine: bool,
}

/// The remembered generations, oldest first by creation.
#[derive(Debug, Default)]
struct Index {
    known: Vec<Known>,
    forgotten: Arc<Spans>,
    files: Option<Files>,
}

/// The nonces that this process remembers.
#[derive(Debug)]
pub(super) struct Memory {
    shards: Box<[Mutex<Shard>]>,
    budget: Budget,
    index: Mutex<Index>,
    /// Whether the index of the files could not be written at the start. See [`Kept::unwritten`].
    unwritten: AtomicBool,
    /// Held during a sweep.
    sweeping: Mutex<()>,
    next_sweep: AtomicI64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// An empty memory that is not written to files.
    pub(super) fn new(limits: NonceLimits) -> Self {
        Self {
            shards: (0..256).map(|_| Mutex::default()).collect(),
            budget: Budget::new(limits),
            index: Mutex::default(),
            unwritten: AtomicBool::new(false),
            sweeping: Mutex::default(),
            next_sweep: AtomicI64::new(i64::MIN),
        }
    }

    /// The memory that files hold. Generations that have expired by the machine's clock are forgotten at once.
    ///
    /// # Errors
    /// An I/O error if the files cannot be written.
    pub(super) fn kept(limits: NonceLimits, kept: Kept, clocks: Clocks) -> std::io::Result<Self> {
        let memory = Self::new(limits);
        let forgotten = Arc::new(kept.forgotten);
        for shard in &memory.shards {
            lock(shard).forgotten = Arc::clone(&forgotten);
        }
        let mut index = lock(&memory.index);
        for (generation, log, entries) in kept.generations {
            let log = Some(Arc::new(log));
            for (hash, principal) in entries {
                memory.budget.add(principal, generation);
                let mut shard = lock(memory.shard(hash));
                let at = shard.page(generation).unwrap_or_else(|| shard.add(generation, log.clone()));
                shard.pages[at].table.insert(hash);
            }
            index.known.push(Known { generation, log, by_machine: true });
        }
        index.forgotten = forgotten;
        index.files = Some(kept.files);
        drop(index);
        memory.unwritten.store(kept.unwritten, Ordering::Release);
        if !kept.unwritten {
            memory.sweep(clocks, PAST_KEPT)?;
        }
        for known in &mut lock(&memory.index).known {
            known.by_machine = known.generation.is_near(clocks.machine);
        }
        Ok(memory)
    }

    /// Remembers a nonce that was not used before. Returns after it was written to the file, if there is one.
    pub(super) fn first_use(&self, entry: Entry, clocks: Clocks) -> Result<(), Refused> {
        if clocks.machine >= self.next_sweep.load(Ordering::Relaxed)
            && let Err(error) = self.sweep(clocks, PAST_KEPT)
        {
            tracing::warn!(%error, "expired nonces cannot be forgotten");
        }
        match self.take(entry, clocks) {
            // Nonces of a clock that was moved away are forgotten first.
            Err(Refused::Full(full)) => match self.sweep(clocks, 0) {
                Ok(true) => self.take(entry, clocks),
                _ => Err(Refused::Full(full)),
            },
            other => other,
        }
    }

    /// Writes the index if that failed at the start. No other file may change before.
    fn settle(&self) -> std::io::Result<()> {
        if !self.unwritten.load(Ordering::Acquire) {
            return Ok(());
        }
        let index = lock(&self.index);
        if let Some(files) = &index.files {
            let known = index.known.iter().map(|known| known.generation).collect();
            files.write_index(known, &index.forgotten, Durability::Machine)?;
        }
        self.unwritten.store(false, Ordering::Release);
        Ok(())
    }

    fn take(&self, entry: Entry, clocks: Clocks) -> Result<(), Refused> {
        self.settle().map_err(Refused::NotKept)?;
        let generation = Generation::of(entry.signed);
        let mut shard = lock(self.shard(entry.hash));
        if shard.forgotten.contains(entry.signed) {
            return Err(Refused::Forgotten);
        }
        // The same nonce must not be accepted with another signed time either, while a signature of that time is valid.
        let asked = |page: &&Page| page.generation == generation || page.generation.is_live(clocks);
        if shard.pages.iter().filter(asked).any(|page| page.table.contains(entry.hash)) {
            return Err(Refused::Used);
        }
        self.budget.take(entry.principal, generation).map_err(Refused::Full)?;
        let kept = self.keep(&mut shard, generation, entry, clocks);
        if kept.is_err() {
            self.budget.give_back(entry.principal, generation);
        }
        kept
    }

    fn keep(
        &self,
        shard: &mut Shard,
        generation: Generation,
        entry: Entry,
        clocks: Clocks,
    ) -> Result<(), Refused> {
        let at = match shard.page(generation) {
            Some(at) => at,
            None => shard.add(generation, self.log_of(generation, entry.signed, clocks)?),
        };
        let page = &mut shard.pages[at];
        if let Some(log) = &page.log {
            let second = generation.second_of(entry.signed);
            log.append(entry.hash, entry.principal, second).map_err(Refused::NotKept)?;
        }
        page.table.insert(entry.hash);
        Ok(())
    }

    /// The file of a generation, which is created if it is new.
    fn log_of(
        &self,
        generation: Generation,
        signed: i64,
        clocks: Clocks,
    ) -> Result<Option<Arc<Log>>, Refused> {
        let mut index = lock(&self.index);
        if index.forgotten.contains(signed) {
            return Err(Refused::Forgotten);
        }
        if let Some(known) = index.known.iter().find(|known| known.generation == generation) {
            return Ok(known.log.clone());
        }
        let log = match &index.files {
            None => None,
            Some(files) => {
                let known = index.known.iter().map(|known| known.generation).chain([generation]);
                let log = files.begin(generation, known.collect(), &index.forgotten);
                Some(Arc::new(log.map_err(Refused::NotKept)?))
            }
        };
        let by_machine = generation.is_near(clocks.machine);
        index.known.push(Known { generation, log: log.clone(), by_machine });
        Ok(log)
    }

    /// Forgets the expired generations that the service's clock is not near. Keeps the last `kept` of those that only a
    /// moved clock was ever near. Returns whether any were forgotten.
    ///
    /// # Errors
    /// An I/O error if the forgotten spans cannot be written; then nothing is forgotten.
    pub(super) fn sweep(&self, clocks: Clocks, kept: usize) -> std::io::Result<bool> {
        self.settle()?;
        let sweeping = lock(&self.sweeping);
        self.next_sweep.store(clocks.machine.saturating_add(SWEEP_MS), Ordering::Relaxed);
        let mut index = lock(&self.index);
        for known in index.known.iter().filter(|known| !known.generation.is_live(clocks)) {
            // There may be many of them, and file descriptors are scarce.
            if let Some(log) = &known.log {
                log.flush_and_close()?;
            }
        }
        let gone = index.passed(clocks, kept);
        if gone.is_empty() {
            return Ok(false);
        }
        let mut forgotten = (*index.forgotten).clone();
        for generation in &gone {
            let (from, until) = generation.span();
            forgotten.add(from, until);
        }
        forgotten.condense(clocks.machine.saturating_sub(SKEW_MS));
        let is_kept = |known: &Known| !gone.contains(&known.generation);
        if let Some(files) = &index.files {
            let known = index.known.iter().filter(|known| is_kept(known)).map(|known| known.generation);
            files.write_index(known.collect(), &forgotten, Durability::Machine)?;
        }
        let forgotten = Arc::new(forgotten);
        index.forgotten = Arc::clone(&forgotten);
        index.known.retain(is_kept);
        drop(index);
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.forgotten = Arc::clone(&forgotten);
            let lost: Vec<Page> =
                shard.pages.extract_if(.., |page| gone.contains(&page.generation)).collect();
            drop(shard);
            drop(lost);
        }
        self.budget.forget(&gone);
        if let Some(files) = &lock(&self.index).files {
            for generation in gone {
                files.remove(generation);
            }
        }
        drop(sweeping);
        Ok(true)
    }

    /// Writes collected nonces to the files, at the end of the process.
    ///
    /// # Errors
    /// An I/O error if a file cannot be written.
    pub(super) fn flush_and_close(&self) -> std::io::Result<()> {
        self.settle()?;
        lock(&self.index)
            .known
            .iter()
            .filter_map(|known| known.log.as_ref())
            .try_for_each(|log| log.flush_and_close())
    }

    /// For how many milliseconds a request that is signed now would be refused because nonces of this second may be
    /// lost. Clients sign whole seconds, so this is the time until the next one. `None` if it would be accepted.
    pub(super) fn refuses_now_for(&self, now: i64) -> Option<u64> {
        let second = now - now.rem_euclid(1000);
        let refused = lock(&self.index).forgotten.contains(second);
        refused.then(|| u64::try_from(second + 1000 - now).unwrap_or_default())
    }

    /// When the next remembered generation expires by the machine's clock, if there is one.
    pub(super) fn next_passed(&self) -> Option<i64> {
        let index = lock(&self.index);
        let passed = |known: &Known| known.generation.span().1.saturating_add(SKEW_MS);
        index.known.iter().filter(|known| known.by_machine).map(passed).min()
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        &self.shards[usize::from(hash.to_be_bytes()[0])]
    }

    /// How many nonces are remembered.
    pub(super) fn count(&self) -> u64 {
        self.budget.all()
    }
}

impl Shard {
    fn page(&self, generation: Generation) -> Option<usize> {
        self.pages.iter().position(|page| page.generation == generation)
    }

    fn add(&mut self, generation: Generation, log: Option<Arc<Log>>) -> usize {
        self.pages.push(Page { generation, table: Table::default(), log });
        self.pages.len() - 1
    }
}

impl Index {
    /// The generations that a sweep forgets.
    fn passed(&mut self, clocks: Clocks, kept: usize) -> Vec<Generation> {
        let mut gone = Vec::new();
        let mut moved = Vec::new();
        for known in &mut self.known {
            let generation = known.generation;
            known.by_machine |= generation.is_near(clocks.machine);
            let is_ahead = generation.span().0 > clocks.machine;
            // A generation ahead of the machine's clock must stay: if it were forgotten, its span would be refused when
            // the clock gets there.
            if is_ahead || generation.is_live(clocks) {
                continue;
            }
            if known.by_machine { gone.push(generation) } else { moved.push(generation) }
        }
        moved.truncate(moved.len().saturating_sub(kept));
        gone.extend(moved);
        gone
    }
}
