//! AccessKeys that rotations made, switched off or deleted, laid over the accounts as they are written down.

use super::file::{AccountFile, Hidden, KeyFile, Status, UserFile};
use crate::domain::AccountId;

/// An AccessKey of a RAM user, as a rotation left it.
#[derive(Debug, Clone)]
pub struct RotatedKey {
    /// Its id.
    pub id: String,
    /// The account.
    pub account: AccountId,
    /// The RAM user.
    pub user: String,
    /// Whether it signs; `None` when it is gone.
    pub status: Option<Status>,
    /// Its secret; `None` for a key that is written down.
    pub secret: Option<Hidden>,
    /// Whether the user is there for this key only.
    pub own_user: bool,
}

/// Lays keys over accounts. What belongs to a user who is not there (any more) is left out.
pub fn lay_over(accounts: &mut Vec<AccountFile>, keys: &[RotatedKey]) {
    for key in keys {
        let Some(user) = user_of(accounts, key) else { continue };
        let known = user.access_keys.iter_mut().find(|known| known.id == key.id);
        match (key.status, known, &key.secret) {
            (None, _, _) => user.access_keys.retain(|known| known.id != key.id),
            (Some(status), Some(known), _) => known.status = status,
            (Some(status), None, Some(secret)) => user.access_keys.push(KeyFile {
                id: key.id.clone(),
                secret: Some(secret.clone()),
                public_key: None,
                security_token: None,
                status,
            }),
            (Some(_), None, None) => {}
        }
    }
}

fn user_of<'a>(accounts: &'a mut Vec<AccountFile>, key: &RotatedKey) -> Option<&'a mut UserFile> {
    let id = key.account.as_str();
    if key.own_user && !accounts.iter().any(|account| account.id == id) {
        accounts.push(AccountFile { id: id.to_owned(), ..AccountFile::default() });
    }
    let account = accounts.iter_mut().find(|account| account.id == id)?;
    if key.own_user && !account.users.iter().any(|user| user.name == key.user) {
        let (policies, access_keys) = (Vec::new(), Vec::new());
        account.users.push(UserFile { name: key.user.clone(), policies, access_keys });
    }
    account.users.iter_mut().find(|user| user.name == key.user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, user: &str, status: Option<Status>, secret: Option<&str>) -> RotatedKey {
        RotatedKey {
            id: id.to_owned(),
            account: "1".parse().unwrap(),
            user: user.to_owned(),
            status,
            secret: secret.map(Hidden::from),
            own_user: false,
        }
    }

    fn accounts() -> Vec<AccountFile> {
        let file = "id='1'\n[[users]]\nname='u'\naccess_keys=[{id='a',secret='s'},{id='b',secret='s'}]";
        vec![toml::from_str(file).unwrap()]
    }

    fn shown(accounts: &[AccountFile]) -> String {
        let users = accounts.iter().flat_map(|account| &account.users);
        let keys = users.flat_map(|user| user.access_keys.iter().map(move |key| (user, key)));
        keys.map(|(user, key)| format!("{}:{}:{:?}", user.name, key.id, key.status))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn rule_dy12_6_made_keys_are_added_and_written_ones_change_their_state() {
        let mut all = accounts();
        let rotated = [
            key("a", "u", None, None),
            key("b", "u", Some(Status::Inactive), None),
            key("c", "u", Some(Status::Active), Some("made")),
            key("d", "u", Some(Status::Active), None),
            key("e", "gone", Some(Status::Active), Some("made")),
        ];
        lay_over(&mut all, &rotated);
        assert_eq!(shown(&all), "u:b:Inactive u:c:Active");
    }

    #[test]
    fn rule_dy12_7_a_user_who_is_there_for_a_key_only_is_made() {
        let mut all = Vec::new();
        let own = RotatedKey { own_user: true, ..key("a", "app", Some(Status::Active), Some("made")) };
        lay_over(&mut all, &[own]);
        assert_eq!(shown(&all), "app:a:Active");
    }
}
