//! Faults for tests of clients: which calls a rule fires for, and how often. Pure: the caller passes the random generator.

use rand::{CryptoRng, RngExt};
use serde::{Deserialize, Serialize};

use super::SecretName;
use super::rotation::Cause;

/// The maximum number of rules.
pub const MOST_RULES: usize = 100;
/// The longest delay, in milliseconds.
pub const MOST_DELAY_MS: u64 = 60_000;
/// The longest wait that an answer may ask for, in milliseconds: one day.
pub const MOST_RETRY_AFTER_MS: u64 = 86_400_000;

/// A rule: which calls it matches, for which of these it fires, and what it does to them: at least one of `code`, `delay_ms`
/// and `drop`. It looks the same in the configuration file, in `/_sesame/faults` and in the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The action's name, or `*` for all.
    pub action: String,
    /// Only calls that name this secret. A `*` at the end matches any rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// How likely it fires for a matching call, 0 to 1. Without `probability` and `every` it fires for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Instead of `probability`: it fires for every n-th matching call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// How often it fires at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// The call does not run and is answered with this error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Together with `code`: the answer has the header `x-acs-retry-after`, which asks the client to wait before it tries
    /// again, 0 to 86,400,000 milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// How long the call waits before anything else happens, 1 to 60,000 milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Instead of `code`: the connection is closed without an answer, `before` or `after` the call runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<DropWhen>,
}

/// When the connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DropWhen {
    /// The call does not run.
    Before,
    /// The call runs and its answer is lost.
    After,
}

impl FaultRule {
    /// Checks that the fields are valid and fit together. Does not check names of actions and codes.
    ///
    /// # Errors
    /// What is wrong, starting with the name of the field.
    pub fn check(&self) -> Result<(), String> {
        if let Some(secret) = &self.secret {
            let stem = secret.strip_suffix('*');
            let good = stem == Some("") || stem.unwrap_or(secret).parse::<SecretName>().is_ok();
            if !good {
                return Err(format!(
                    "secret: \"{secret}\" is neither a secret name nor the start of one followed by * (examples: app/db, app/*)"
                ));
            }
        }
        if let Some(probability) = self.probability
            && !(0.0..=1.0).contains(&probability)
        {
            return Err("probability: must be from 0 to 1".to_owned());
        }
        if self.probability.is_some() && self.every.is_some() {
            return Err("every: cannot be combined with probability".to_owned());
        }
        for (name, number) in [("every", self.every), ("times", self.times)] {
            if number == Some(0) {
                return Err(format!("{name}: must be at least 1"));
            }
        }
        if self.delay_ms.is_some_and(|delay| !(1..=MOST_DELAY_MS).contains(&delay)) {
            return Err(format!("delay_ms: must be from 1 to {MOST_DELAY_MS}"));
        }
        if self.retry_after_ms.is_some_and(|wait| wait > MOST_RETRY_AFTER_MS) {
            return Err(format!("retry_after_ms: must be from 0 to {MOST_RETRY_AFTER_MS}"));
        }
        if self.retry_after_ms.is_some() && self.code.is_none() {
            return Err("retry_after_ms: only allowed together with code".to_owned());
        }
        match (&self.code, self.delay_ms, self.drop) {
            (None, None, None) => Err("code: missing; a rule needs code, delay_ms or drop".to_owned()),
            (Some(_), _, Some(_)) => Err("drop: cannot be combined with code".to_owned()),
            _ => Ok(()),
        }
    }

    fn matches(&self, call: &Call<'_>) -> bool {
        // A rule of RotateSecret is for rotators when it only delays or has a code of rotators. Otherwise it is for the call.
        let action = match (call.by_rotator, self.action.as_str()) {
            (true, named) => named == ROTATE && self.is_about_rotators_only(),
            (false, ROTATE) => call.action == ROTATE && !self.is_about_rotators_only(),
            (false, named) => named == "*" || named == call.action,
        };
        action && self.secret.as_ref().is_none_or(|wanted| call.secrets.iter().any(|name| fits(wanted, name)))
    }

    /// Whether a rule of RotateSecret is about rotators and not about the call.
    fn is_about_rotators_only(&self) -> bool {
        match &self.code {
            Some(code) => Cause::of_code(code).is_some(),
            None => self.drop.is_none(),
        }
    }

    /// Whether its code is one of rotators, which only rules of RotateSecret may have.
    pub fn has_code_of_rotators(&self) -> bool {
        self.action == ROTATE && self.code.as_deref().and_then(Cause::of_code).is_some()
    }

    fn effect(&self) -> Effect {
        match (&self.code, self.drop) {
            (Some(code), _) => Effect::Error { code: code.clone(), retry_after_ms: self.retry_after_ms },
            (None, Some(drop)) => Effect::Drop { drop },
            (None, None) => Effect::None {},
        }
    }

    fn fires(&self, count: Count, rng: &mut dyn CryptoRng) -> bool {
        if self.times.is_some_and(|times| count.fired >= times) {
            return false;
        }
        match (self.probability, self.every) {
            (Some(probability), _) => rng.random_bool(probability.clamp(0.0, 1.0)),
            (None, Some(every)) => count.matched.is_multiple_of(every),
            (None, None) => true,
        }
    }
}

fn fits(wanted: &str, name: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => wanted == name,
    }
}

/// The part of a call that rules match.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The action's name.
    pub action: &'a str,
    /// The names of the secrets in the request.
    pub secrets: &'a [String],
    /// Whether this is no call, but a rotator at work.
    pub by_rotator: bool,
}

/// The action whose rules are about rotators, too.
const ROTATE: &str = "RotateSecret";

impl<'a> Call<'a> {
    /// A call of an action.
    pub fn new(action: &'a str, secrets: &'a [String]) -> Self {
        Self { action, secrets, by_rotator: false }
    }

    /// A rotator that works at a secret.
    pub fn of_rotator(secrets: &'a [String]) -> Self {
        Self { action: ROTATE, secrets, by_rotator: true }
    }
}

/// How often a rule matched and fired so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Matching calls for which no earlier rule fired.
    pub matched: u64,
    /// Calls for which it fired.
    pub fired: u64,
}

/// A fault that a rule injects into a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The number of the rule, from 1.
    pub rule: usize,
    /// What happens instead of a normal answer.
    #[serde(flatten)]
    pub effect: Effect,
    /// How long the call waits first, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
}

impl Fault {
    /// How long the answer asks the client to wait, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self.effect {
            Effect::Error { retry_after_ms, .. } => retry_after_ms,
            Effect::Drop { .. } | Effect::None {} => None,
        }
    }
}

/// What happens to a call instead of a normal answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Effect {
    /// The call does not run and is answered with an error.
    Error {
        /// The error's code.
        code: String,
        /// How long the answer asks the client to wait, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// The connection is closed without an answer.
    Drop {
        /// Before or after the call runs.
        drop: DropWhen,
    },
    /// The call runs and is answered. The rule only delays it.
    None {},
}

/// The active rules with their counts.
#[derive(Debug, Default)]
pub struct Faults(Vec<(FaultRule, Count)>);

impl Faults {
    /// New rules, with counts of 0.
    pub fn new(rules: Vec<FaultRule>) -> Self {
        Self(rules.into_iter().map(|rule| (rule, Count::default())).collect())
    }

    /// The rules in order.
    pub fn rules(&self) -> &[(FaultRule, Count)] {
        &self.0
    }

    /// The fault for a call. The first rule that fires wins; later rules do not see the call.
    pub fn inject(&mut self, call: &Call<'_>, rng: &mut dyn CryptoRng) -> Option<Fault> {
        for (at, (rule, count)) in self.0.iter_mut().enumerate().filter(|(_, (rule, _))| rule.matches(call)) {
            count.matched += 1;
            if rule.fires(*count, rng) {
                count.fired += 1;
                return Some(Fault { rule: at + 1, effect: rule.effect(), delay_ms: rule.delay_ms });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    fn rules(json: &str) -> Faults {
        let rules: Vec<FaultRule> = serde_json::from_str(json).unwrap();
        for rule in &rules {
            rule.check().unwrap();
        }
        Faults::new(rules)
    }

    /// The number of the rule that fired for each call; 0 if no rule fired.
    fn fired(faults: &mut Faults, call: (&str, &[&str]), calls: usize, seed: u64) -> Vec<usize> {
        let secrets: Vec<String> = call.1.iter().map(|&name| name.to_owned()).collect();
        let call = Call::new(call.0, &secrets);
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        (0..calls).map(|_| faults.inject(&call, &mut rng).map_or(0, |fault| fault.rule)).collect()
    }

    #[test]
    fn a_rule_matches_its_action_and_secret() {
        let matches = |rule: &str, action: &str, secrets: &[&str]| {
            fired(&mut rules(&format!(r#"[{{{rule},"delay_ms":1}}]"#)), (action, secrets), 1, 0) == [1]
        };
        assert!(matches(r#""action":"GetSecretValue""#, "GetSecretValue", &[]));
        assert!(!matches(r#""action":"GetSecretValue""#, "GetSecretValue2", &["a"]));
        assert!(matches(r#""action":"*""#, "Encrypt", &[]));
        assert!(matches(r#""action":"*","secret":"a""#, "X", &["b", "a"]));
        assert!(!matches(r#""action":"*","secret":"a""#, "X", &["ab"]));
        assert!(!matches(r#""action":"*","secret":"a""#, "X", &[]));
        assert!(matches(r#""action":"*","secret":"a/*""#, "X", &["a/b"]));
        assert!(!matches(r#""action":"*","secret":"a/*""#, "X", &["a"]));
        assert!(matches(r#""action":"*","secret":"*""#, "X", &["a"]));
        assert!(!matches(r#""action":"*","secret":"*""#, "X", &[]), "a call without a secret");
    }

    #[test]
    fn a_rule_fires_for_each_call_or_each_nth_up_to_its_limit() {
        let of = |rule: &str| {
            fired(&mut rules(&format!(r#"[{{"action":"*","delay_ms":1{rule}}}]"#)), ("X", &[]), 7, 0)
        };
        assert_eq!(of(""), [1; 7]);
        assert_eq!(of(r#","times":2"#), [1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(of(r#","every":3"#), [0, 0, 1, 0, 0, 1, 0]);
        assert_eq!(of(r#","every":2,"times":2"#), [0, 1, 0, 1, 0, 0, 0]);
        assert_eq!(of(r#","probability":1,"times":3"#), [1, 1, 1, 0, 0, 0, 0]);
        assert_eq!(of(r#","probability":0"#), [0; 7]);
    }

    #[test]
    fn a_probability_is_respected_and_repeats_with_the_same_seed() {
        let of = |seed| {
            let mut faults = rules(r#"[{"action":"*","code":"X","probability":0.25}]"#);
            let hits = fired(&mut faults, ("X", &[]), 1000, seed);
            let count = faults.rules().first().unwrap().1;
            assert_eq!((count.matched, count.fired), (1000, hits.iter().map(|&rule| rule as u64).sum()));
            hits
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        let fired: usize = of(3).iter().sum();
        assert!((200..300).contains(&fired), "{fired}");
    }

    #[test]
    fn the_first_rule_that_fires_wins() {
        let mut faults = rules(
            r#"[{"action":"*","every":2,"delay_ms":1},{"action":"X","code":"C","times":3},{"action":"*","drop":"after"}]"#,
        );
        assert_eq!(fired(&mut faults, ("X", &[]), 8, 0), [2, 1, 2, 1, 2, 1, 3, 1]);
        let counts: Vec<_> = faults.rules().iter().map(|(_, count)| (count.matched, count.fired)).collect();
        assert_eq!(counts, [(8, 4), (4, 3), (1, 1)]);
    }

    #[test]
    fn a_wrong_rule_is_refused_with_the_name_of_the_field() {
        for (rule, field) in [
            (r#""secret":"a b","delay_ms":1"#, "secret"),
            (r#""secret":"a*b","delay_ms":1"#, "secret"),
            (r#""secret":"","delay_ms":1"#, "secret"),
            (r#""probability":1.01,"delay_ms":1"#, "probability"),
            (r#""probability":-0.5,"delay_ms":1"#, "probability"),
            (r#""probability":0.5,"every":2,"delay_ms":1"#, "every"),
            (r#""every":0,"delay_ms":1"#, "every"),
            (r#""times":0,"delay_ms":1"#, "times"),
            (r#""delay_ms":0"#, "delay_ms"),
            (r#""delay_ms":60001"#, "delay_ms"),
            (r#""times":1"#, "code"),
            (r#""retry_after_ms":5,"delay_ms":1"#, "retry_after_ms"),
            (r#""retry_after_ms":86400001,"code":"X""#, "retry_after_ms"),
            (r#""code":"X","drop":"before""#, "drop"),
        ] {
            let rule: FaultRule = serde_json::from_str(&format!(r#"{{"action":"*",{rule}}}"#)).unwrap();
            let said = rule.check().unwrap_err();
            assert!(said.starts_with(&format!("{field}: ")), "{rule:?}: {said}");
        }
        let not_a_number: FaultRule =
            toml::from_str("action = '*'\nprobability = nan\ndelay_ms = 1").unwrap();
        assert!(not_a_number.check().is_err());
    }
}
