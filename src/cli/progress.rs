//! Progress bars for long work, on standard error, if it is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::app::Progress;

/// A progress bar, or a spinner while the total is not known. It is shown only on a terminal and removed at the end.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// Starts with a spinner.
    pub(super) fn start(work: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(work);
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self(bar)
    }

    /// Names the next piece of work.
    pub(super) fn next(&self, work: &'static str) {
        self.0.reset();
        self.0.unset_length();
        self.0.set_style(ProgressStyle::default_spinner());
        self.0.set_message(work);
    }
}

impl Progress for Bar {
    fn at(&self, done: usize, of: Option<usize>) {
        let known = of.map(|total| total as u64);
        if self.0.length() != known {
            let form =
                known.map_or("{spinner} {msg} {human_pos}", |_| "{msg} {wide_bar} {human_pos}/{human_len}");
            if let Ok(style) = ProgressStyle::with_template(form) {
                self.0.set_style(style);
            }
            if let Some(total) = known {
                self.0.set_length(total);
            }
        }
        self.0.set_position(done as u64);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
