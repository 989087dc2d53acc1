//! A group of connections, and which of them is closed to make room.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::activity::Activity;

/// Connections that have not been told to close.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) activities: HashMap<u64, Arc<Activity>>,
    /// Connections that wait for their client, by id and stage, as of the last search. The last one is closed first.
    /// Connections that began to wait later are not in this list.
    waiting: Vec<(u64, u64)>,
}

impl Group {
    /// Tells the longest idle connection to close, or if none is idle, the one whose request has been incomplete for the
    /// longest time. False when all are busy.
    pub(super) fn close_longest_idle(&mut self) -> bool {
        for look_again in [true, false] {
            while let Some((id, stage)) = self.waiting.pop() {
                if self.activities.get(&id).is_some_and(|activity| activity.close_if_still(stage)) {
                    self.activities.remove(&id);
                    return true;
                }
            }
            if look_again {
                self.look_for_waiting();
            }
        }
        false
    }

    /// Finds the connections that have waited longest for their client: idle ones, or if none is idle, those with an incomplete
    /// request. It keeps an eighth of them, so that it need not search for each new connection.
    fn look_for_waiting(&mut self) {
        let found = |stage: fn(&Activity) -> Option<u64>| -> Vec<(u64, u64)> {
            self.activities.iter().filter_map(|(id, activity)| Some((*id, stage(activity)?))).collect()
        };
        let mut waiting = found(Activity::idle);
        if waiting.is_empty() {
            waiting = found(Activity::receiving);
        }
        waiting.sort_unstable_by_key(|(id, stage)| Reverse((*stage, *id)));
        let part = waiting.len().div_ceil(8);
        waiting.drain(..waiting.len() - part);
        self.waiting = waiting;
    }
}
