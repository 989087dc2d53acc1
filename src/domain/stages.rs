//! Which version carries which label. A label is on exactly one version because the label is the key (rule 3.1).

use super::names::{StageLabel, VersionId};

/// Labels in ascending order, each with its version. There are few, so this is a sorted list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StageMap(Vec<(StageLabel, VersionId)>);

impl StageMap {
    /// The version that carries the label.
    pub fn version_of(&self, label: &str) -> Option<&VersionId> {
        self.0.iter().find(|(l, _)| l.as_str() == label).map(|(_, v)| v)
    }

    /// The labels of a version, ascending.
    pub fn labels_of<'a>(&'a self, version: &'a VersionId) -> impl Iterator<Item = &'a StageLabel> {
        self.0.iter().filter(move |(_, v)| v == version).map(|(l, _)| l)
    }

    /// Whether the version carries any label. A version without one is deprecated (rule 2.11).
    pub fn is_labelled(&self, version: &VersionId) -> bool {
        self.0.iter().any(|(_, v)| v == version)
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All labels with their versions, ascending by label.
    pub fn iter(&self) -> impl Iterator<Item = (&StageLabel, &VersionId)> {
        self.0.iter().map(|(l, v)| (l, v))
    }

    /// Puts the label on a version and takes it off any other.
    pub fn set(&mut self, label: StageLabel, version: VersionId) {
        match self.0.binary_search_by(|(l, _)| l.cmp(&label)) {
            Ok(at) => {
                if let Some(entry) = self.0.get_mut(at) {
                    entry.1 = version;
                }
            }
            Err(at) => self.0.insert(at, (label, version)),
        }
    }

    /// Takes the label off.
    pub fn remove(&mut self, label: &str) {
        self.0.retain(|(l, _)| l.as_str() != label);
    }

    /// Moves a label as the service does: when `ACSCurrent` moves to another version, `ACSPrevious` moves to the
    /// version that it leaves (rule 3.8). Any other label just moves.
    pub fn move_to(&mut self, label: &StageLabel, version: &VersionId) {
        if self.version_of(label.as_str()) == Some(version) {
            return;
        }
        if label.as_str() == StageLabel::CURRENT
            && let Some(left) = self.version_of(StageLabel::CURRENT).cloned()
        {
            self.set(StageLabel::previous(), left);
        }
        self.set(label.clone(), version.clone());
    }
}
