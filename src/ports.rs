//! Time and randomness as traits. All layers that need time or randomness take them from here, so that tests can control both.
//! Also the one writer of private files.

pub mod private_file;

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use rand::{CryptoRng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use tokio::sync::Notify;

use crate::domain::{ClockSetting, Timestamp};

/// A clock.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// The service's time, which an administrator may have changed.
    fn now(&self) -> Timestamp;

    /// The machine's time. Clients sign with their own machines' time, so a signature may be fresh by either.
    fn wall(&self) -> Timestamp;

    /// How the service's time differs from the machine's.
    fn setting(&self) -> ClockSetting;

    /// Sets the service's time.
    fn adopt(&self, setting: ClockSetting);

    /// Returns after this many milliseconds of the machine's time.
    async fn pause(&self, ms: u64);

    /// Returns when `now()` has reached `at`, even if the clock is moved there.
    async fn sleep_until(&self, at: Timestamp);
}

/// The clock of a server: the machine's, unless it is changed over `/_sesame/clock`.
#[derive(Debug, Default)]
pub struct ServerClock {
    setting: RwLock<ClockSetting>,
    /// The latest machine time seen. The machine's clock may be set back; this one never goes back by itself.
    latest: AtomicI64,
    moved: Notify,
}

impl ServerClock {
    /// Moves the clock by this many milliseconds. A running clock keeps running, a stopped one stays stopped.
    pub fn advance(&self, ms: i64) {
        self.adopt(self.setting().advanced(ms));
    }

    /// Stops the clock at an instant.
    pub fn set(&self, at: Timestamp) {
        self.adopt(self.setting().standing(at));
    }

    /// Makes the clock show the machine's time again.
    pub fn resume(&self) {
        self.adopt(ClockSetting::default());
    }

    /// Whether the clock runs, that is, is not stopped.
    pub fn is_running(&self) -> bool {
        self.setting().stands.is_none()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
async fn sleep(ms: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
}

#[async_trait]
impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        let setting = self.setting();
        setting.stands.unwrap_or_else(|| self.wall().plus_millis(setting.ahead_ms))
    }

    fn wall(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
        let machine = jiff::Timestamp::now().as_millisecond();
        let latest = self.latest.fetch_max(machine, Ordering::SeqCst);
        Timestamp::from_millis(machine.max(latest))
    }

    fn setting(&self) -> ClockSetting {
        *self.setting.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn adopt(&self, setting: ClockSetting) {
        *self.setting.write().unwrap_or_else(PoisonError::into_inner) = setting;
        self.moved.notify_waiters();
    }

    async fn pause(&self, ms: u64) {
        sleep(ms).await;
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let moved = self.moved.notified();
            let now = self.now();
            if now >= at {
                return;
            }
            let wait = if self.is_running() { at.distance_ms(now) } else { u64::MAX };
            // Bounded, because the machine's clock may be set forward during the sleep.
            tokio::select! {
                () = moved => {}
                () = sleep(wait.min(60_000)) => {}
            }
        }
    }
}

/// A source of random numbers.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// A generator that is fit for keys. Must not be held across an await.
    fn rng(&self) -> Box<dyn CryptoRng>;

    /// A random UUID, lower case.
    fn uuid(&self) -> uuid::Uuid {
        let mut bytes = [0; 16];
        self.rng().fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A UUID whose first bits are an instant (version 7), so that UUIDs sort by the time they were made; 74 bits are
    /// random.
    fn uuid_of(&self, instant: Timestamp) -> uuid::Uuid {
        let mut bytes = [0; 10];
        self.rng().fill_bytes(&mut bytes);
        let millis = u64::try_from(instant.as_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}

/// The operating system's randomness, by way of the thread's reseeding generator.
#[derive(Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn rng(&self) -> Box<dyn CryptoRng> {
        #[expect(clippy::disallowed_methods, reason = "the one place that takes system randomness")]
        let rng = rand::rng();
        Box::new(rng)
    }

    /// Overridden to avoid the box, because every request needs a UUID.
    fn uuid(&self) -> uuid::Uuid {
        #[expect(clippy::disallowed_methods, reason = "the other place that takes system randomness")]
        uuid::Builder::from_random_bytes(rand::random()).into_uuid()
    }
}

/// Repeatable randomness for tests. No setting selects it.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<ChaCha20Rng>);

impl SeededEntropy {
    /// A source that yields the same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn rng(&self) -> Box<dyn CryptoRng> {
        let mut master = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Box::new(ChaCha20Rng::from_rng(&mut *master))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_set_clock_stands_still_and_resumes() {
        let clock = ServerClock::default();
        clock.set(Timestamp::from_millis(1000));
        assert_eq!(clock.now(), Timestamp::from_millis(1000));
        clock.advance(500);
        assert_eq!(clock.now(), Timestamp::from_millis(1500));
        clock.resume();
        assert!(clock.now().distance_ms(clock.wall()) < 1000);
        clock.advance(3_600_000);
        assert!(clock.now().distance_ms(clock.wall()) >= 3_600_000);
    }

    #[tokio::test]
    async fn moving_the_clock_wakes_sleepers() {
        let clock = Arc::new(ServerClock::default());
        let due = clock.now().plus_days(7);
        let sleeper = async { clock.sleep_until(due).await };
        let mover = async {
            tokio::task::yield_now().await;
            clock.advance(8 * 86_400_000);
        };
        tokio::join!(sleeper, mover);
    }

    #[test]
    fn seeded_entropy_repeats() {
        assert_eq!(SeededEntropy::new(1).uuid(), SeededEntropy::new(1).uuid());
        assert_ne!(OsEntropy.uuid(), OsEntropy.uuid());
    }

    #[test]
    fn a_uuid_of_an_instant_begins_with_it_and_is_random_otherwise() {
        let of = |millis| OsEntropy.uuid_of(Timestamp::from_millis(millis));
        let in_turn = [-1, 1, 0x100, 1_800_000_000_000, 1_800_000_000_001].map(of);
        assert!(in_turn.is_sorted(), "{in_turn:?}");
        assert!(in_turn[3].to_string().starts_with("01a3185c-5000-7"), "{}", in_turn[3]);
        assert_ne!(of(1), of(1));
    }
}
