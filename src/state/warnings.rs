//! What is probably a mistake in a file that is accepted.

use super::file::StateFile;
use crate::domain::AccountId;
use crate::domain::policy::{PolicyDocument, PolicyKind};
use crate::identities;
use crate::identities::file::Document;

/// The most warnings; the last one says how many more there are.
const MOST: usize = 20;

/// What is probably a mistake, one line each: actions in policies that KMS does not have.
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

/// The policy of a secret or key; none when it is wrong, which whoever reads the file says. Whose the secret is makes no
/// difference to its actions.
fn parsed(document: &Document) -> Option<PolicyDocument> {
    let account: AccountId = "1".parse().ok()?;
    PolicyDocument::parse(&document.0, PolicyKind::Resource { account }).ok()
}
