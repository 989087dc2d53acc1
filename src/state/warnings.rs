//! Warnings about probable mistakes in a file that is accepted.

use super::file::StateFile;
use crate::domain::AccountId;
use crate::domain::policy::{PolicyDocument, PolicyKind};
use crate::identities;
use crate::identities::file::Document;

/// The maximum number of warnings; the last one says how many more there are.
const MOST: usize = 20;

/// One warning for each action in a policy that KMS does not have.
pub fn warnings(file: &StateFile) -> Vec<String> {
    let mut all: Vec<String> = file.open_accounts().flat_map(identities::warnings).collect();
    let keys = file.keys.iter().enumerate().map(|(n, key)| ("keys", n, &key.value.policy));
    let secrets = file.secrets.iter().enumerate().map(|(n, secret)| ("secrets", n, &secret.value.policy));
    for (list, n, policy) in keys.chain(secrets) {
        let Some(document) = policy.as_ref().and_then(parsed) else { continue };
        all.extend(document.unknown_actions().map(|unknown| format!("{list}[{n}].policy: {unknown}")));
    }
    if all.len() > MOST {
        let more = all.len() - (MOST - 1);
        all.truncate(MOST - 1);
        all.push(format!("{more} more of this kind"));
    }
    all
}

/// The policy of a secret or key; `None` when it is wrong, which reading the file reports. The owner does not matter for
/// its actions.
fn parsed(document: &Document) -> Option<PolicyDocument> {
    let account: AccountId = "1".parse().ok()?;
    PolicyDocument::parse(&document.0, PolicyKind::Resource { account }).ok()
}
