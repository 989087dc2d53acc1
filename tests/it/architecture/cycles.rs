//! Dependency cycles between files: a file that uses an item of another, which uses, perhaps by way of more files, an item of the first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::modules::{Crate, Module};

/// Which items each file uses of which other file.
pub type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The uses of items between the files of a crate. What a module uses of its own submodules does not count: it is
/// there to join them.
pub fn uses(all: &Crate) -> Uses {
    let mut uses = Uses::new();
    for (index, module) in all.modules.iter().enumerate() {
        for target in all.used(index) {
            let Module { file, path, .. } = &all.modules[target.module];
            let below = path.starts_with(&module.path);
            let Some(item) = target.item.filter(|_| *file != module.file && !below) else { continue };
            let from = uses.entry(module.file.clone()).or_default();
            from.entry(file.clone()).or_default().insert(item);
        }
    }
    uses
}

/// The shortest way from one file to another, both included.
fn way(uses: &Uses, from: &str, to: &str) -> Option<Vec<String>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([from]);
    while let Some(here) = open.pop_front() {
        if here == to {
            let back = std::iter::successors(Some(to), |file| before.get(file).copied());
            let mut files: Vec<String> = back.map(str::to_owned).collect();
            files.reverse();
            return Some(files);
        }
        for next in uses.get(here).into_iter().flat_map(BTreeMap::keys) {
            if next != from && !before.contains_key(next.as_str()) {
                before.insert(next, here);
                open.push_back(next);
            }
        }
    }
    None
}

/// The shortest cycle through each use, each once, as lists of files. Each begins with its first file by name.
pub fn cycles(uses: &Uses) -> BTreeSet<Vec<String>> {
    let edges = uses.iter().flat_map(|(from, used)| used.keys().map(move |to| (from, to)));
    let ways = edges.filter_map(|(from, to)| way(uses, to, from));
    ways.map(|mut files| {
        let first = files.iter().enumerate().min_by_key(|(_, file)| *file).map_or(0, |(at, _)| at);
        files.rotate_left(first);
        files
    })
    .collect()
}

/// A cycle as `a -> b -> a (a uses x of b; b uses y of a)`.
pub fn shown(uses: &Uses, files: &[String]) -> String {
    let pairs = || files.iter().zip(files.iter().cycle().skip(1));
    let names = pairs().map(|(from, to)| {
        let names: Vec<&str> = uses[from][to].iter().map(String::as_str).collect();
        format!("{from} uses {} of {to}", names.join(", "))
    });
    format!("{} -> {} ({})", files.join(" -> "), files[0], names.collect::<Vec<_>>().join("; "))
}

fn crate_of(files: &[(&str, &str)]) -> Crate {
    Crate::read(&files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
}

fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let uses = uses(&crate_of(files));
    cycles(&uses).iter().map(|files| shown(&uses, files)).collect()
}

#[test]
fn a_circle_is_seen_however_the_item_is_named() {
    let expected = ["a.rs -> b.rs -> a.rs (a.rs uses B of b.rs; b.rs uses A of a.rs)"];
    for by_b in [
        "use crate::a::A; pub struct B(A);",
        "use crate::{a::{A as C}}; pub struct B(C);",
        "use super::a; pub struct B(a::A);",
        "pub struct B(crate::a::A);",
        "pub struct B(super::a::A);",
        "pub struct B(crate::A);",
        "use crate::A; pub struct B(A);",
        "pub struct B; fn f() { use crate::a::A; }",
        "pub struct B; mod inner { fn f(_: super::super::a::A) {} }",
    ] {
        let lib = ("lib.rs", "mod a; mod b; pub use a::A;");
        let found = circles_of(&[lib, ("a.rs", "use crate::b::B; pub struct A(B);"), ("b.rs", by_b)]);
        assert_eq!(found, expected, "{by_b}");
    }
}

#[test]
fn a_parent_that_joins_its_submodules_forms_no_circle_with_them() {
    let parent = ("a/mod.rs", "mod b; mod c; pub struct Error; fn f() -> Result<(), Error> { b::g() }");
    let b = ("a/b.rs", "use super::{Error, c}; pub fn g() -> Result<(), Error> { c::h() }");
    let lib = ("lib.rs", "mod a;");
    let c = ("a/c.rs", "pub fn h() -> Result<(), crate::a::Error> { Ok(()) }");
    assert_eq!(circles_of(&[lib, parent, b, c]), [""; 0]);
    let c = ("a/c.rs", "pub fn h() -> Result<(), super::Error> { super::b::g() }");
    let expected = ["a/b.rs -> a/c.rs -> a/b.rs (a/b.rs uses h of a/c.rs; a/c.rs uses g of a/b.rs)"];
    assert_eq!(circles_of(&[lib, parent, b, c]), expected);
}

#[test]
fn declarations_of_modules_and_re_exports_and_tests_form_no_circle() {
    let lib = "mod a; mod b; pub use a::A; pub(crate) use b::B; pub const MAX: u8 = 1;";
    let a = "use crate::MAX; pub struct A; #[cfg(test)] mod tests { use crate::b::B; }";
    let b = "use crate::a::A; pub struct B(A); impl B { fn a(self) { self.A(); self.A } }";
    assert_eq!(circles_of(&[("lib.rs", lib), ("a.rs", a), ("b.rs", b)]), [""; 0]);
}

#[test]
fn a_circle_of_three_files_and_the_pair_in_it_are_both_found() {
    let lib = ("lib.rs", "mod a; mod b; mod c;");
    let a = ("a.rs", "pub const A: u8 = crate::b::B;");
    let b = ("b.rs", "pub const B: u8 = crate::c::C;");
    let c = ("c.rs", "pub const C: u8 = crate::a::A + super::b::B;");
    let found = circles_of(&[lib, a, b, c]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("a.rs -> b.rs -> c.rs -> a.rs ("), "{found:?}");
    assert!(found[1].starts_with("b.rs -> c.rs -> b.rs ("), "{found:?}");
}
