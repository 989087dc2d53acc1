//! One test per rule, named `rule_<section>_<number>_<meaning>`, over HTTP against a whole server. Rules that are
//! functions of the domain alone are tested beside the code. `docs/rules.md` lists which test holds which rule.

mod secrets;
