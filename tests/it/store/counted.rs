//! A store that records which of its methods were called, so that the conformance list cannot forget one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sesame::testing::store::Store;

use crate::support::handed_on::Interceptor;

/// The methods that were called.
pub type Called = Arc<Mutex<BTreeSet<&'static str>>>;

/// A store, and what was called of it.
#[derive(Debug)]
pub struct Recorded {
    pub store: Arc<dyn Store>,
    pub called: Called,
    /// The method that panics instead of running, if any.
    pub panics: Arc<Mutex<Option<&'static str>>>,
}

#[async_trait]
impl Interceptor for Recorded {
    type Call = ();

    async fn begin(&self, method: &'static str) {
        self.called.lock().unwrap().insert(method);
        let panics = *self.panics.lock().unwrap();
        assert!(panics != Some(method), "a test wanted {method} to panic");
    }

    fn end(&self, (): ()) {}

    fn store(&self) -> &dyn Store {
        &*self.store
    }
}
