//! Which connection makes room.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::line::Line;

/// Connections that were not told to close.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) lines: HashMap<u64, Arc<Line>>,
    /// Snapshot of the connections that wait for their client, with their stage. The last one is closed first. Connections
    /// that began to wait later are not in it.
    waiting: Vec<(u64, u64)>,
}

impl Group {
    /// Tells the longest idle connection to close. When none is idle, tells the one whose request has been incomplete for the
    /// longest time. Returns false when all are busy.
    pub(super) fn close_longest_idle(&mut self) -> bool {
        for look_again in [true, false] {
            while let Some((id, stage)) = self.waiting.pop() {
                if self.lines.get(&id).is_some_and(|line| line.close_if_still(stage)) {
                    self.lines.remove(&id);
                    return true;
                }
            }
            if look_again {
                self.look_for_waiting();
            }
        }
        false
    }

    /// Takes a snapshot of the connections that have waited longest for their client: idle ones, or, when none is idle, those
    /// whose request is incomplete. An eighth is enough; the next snapshot is taken when these are used up.
    fn look_for_waiting(&mut self) {
        let found = |stage: fn(&Line) -> Option<u64>| -> Vec<(u64, u64)> {
            self.lines.iter().filter_map(|(id, line)| Some((*id, stage(line)?))).collect()
        };
        let mut waiting = found(Line::idle);
        if waiting.is_empty() {
            waiting = found(Line::receiving);
        }
        waiting.sort_unstable_by_key(|(id, stage)| Reverse((*stage, *id)));
        let part = waiting.len().div_ceil(8);
        waiting.drain(..waiting.len() - part);
        self.waiting = waiting;
    }
}
