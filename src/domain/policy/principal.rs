//! Who asks, and how policies name it.

use crate::domain::AccountId;

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The account it belongs to.
    pub account: AccountId,
    /// What it is in that account.
    pub identity: Identity,
}

/// What a principal is in its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The account itself.
    Root,
    /// A RAM user.
    User {
        /// Its name.
        name: String,
    },
    /// Somebody in a RAM role.
    RoleSession {
        /// The role's name.
        role: String,
        /// The name of the session.
        session: String,
    },
    /// The bearer of a token of an identity provider, who may be about to assume a role.
    Federated {
        /// The provider's name.
        provider: String,
    },
}

impl Principal {
    /// The ARN of this very caller; a role session has the form `assumed-role/<role>/<session>`.
    pub fn arn(&self) -> String {
        match &self.identity {
            Identity::RoleSession { role, session } => {
                format!("acs:ram::{}:assumed-role/{role}/{session}", self.account)
            }
            _ => self.policy_arn(),
        }
    }

    /// The ARN by which policies name this principal, which is the value of `acs:PrincipalARN`: for a role
    /// session that of the role.
    pub fn policy_arn(&self) -> String {
        self.policy_arn_parts().concat()
    }

    /// The ARN of [`Principal::policy_arn`] in parts, for uses that need no string.
    pub fn policy_arn_parts(&self) -> [&str; 4] {
        let (kind, name) = match &self.identity {
            Identity::Root => (":root", ""),
            Identity::User { name } => (":user/", name.as_str()),
            Identity::RoleSession { role, .. } => (":role/", role.as_str()),
            Identity::Federated { provider } => (":oidc-provider/", provider.as_str()),
        };
        ["acs:ram::", self.account.as_str(), kind, name]
    }
}

/// An entry of a `Principal` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// `acs:ram::<account>:*` of the account that owns the secret or key: the account itself.
    Account(AccountId),
    /// `acs:ram::<account>:*` of another account: everybody there whom its own policies let.
    Foreigners(AccountId),
    /// `acs:ram::<account>:root`, in trust policies: every user and role of the account.
    Members(AccountId),
    /// `acs:ram::<account>:user/<name>`.
    User(AccountId, String),
    /// `acs:ram::<account>:role/<name>`.
    Role(AccountId, String),
    /// `acs:ram::<account>:oidc-provider/<name>`, in trust policies.
    Provider(AccountId, String),
    /// A service or a provider of another kind, in trust policies. No caller of this program is one.
    Nobody,
}

impl Named {
    /// The account named, if one is.
    pub(super) fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Account(a)
            | Self::Foreigners(a)
            | Self::Members(a)
            | Self::User(a, _)
            | Self::Role(a, _)
            | Self::Provider(a, _) => Some(a),
            Self::Nobody => None,
        }
    }

    /// Whether a statement that allows, or one that denies, is about `caller`.
    ///
    /// An account named in a secret policy means its owner: without further statements only the owner has access,
    /// as documented under modify-a-secret-policy. Whether denying to the account binds its users too is not
    /// documented; here it does, which errs on the side of less access.
    pub(super) fn covers(&self, caller: &Principal, denies: bool) -> bool {
        if self.account() != Some(&caller.account) {
            return false;
        }
        match (self, &caller.identity) {
            (Self::Account(_), identity) => denies || *identity == Identity::Root,
            (Self::Foreigners(_), _)
            | (Self::Members(_), Identity::User { .. } | Identity::RoleSession { .. }) => true,
            (Self::Provider(_, wanted), Identity::Federated { provider }) => wanted == provider,
            (Self::User(_, wanted), Identity::User { name }) => wanted == name,
            // RAM writes role names in lower case in ARNs, whatever case the role was created with.
            (Self::Role(_, wanted), Identity::RoleSession { role, .. }) => wanted.eq_ignore_ascii_case(role),
            _ => false,
        }
    }
}
