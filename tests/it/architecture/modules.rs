//! The modules of a crate: what each defines, imports and names.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{Token, tokens};

/// One module. An inline module belongs to the file that has it.
#[derive(Debug, Default)]
pub struct Module {
    /// The path from the root of the crate, which is empty.
    pub path: Vec<String>,
    /// The file, relative to `src`.
    pub file: String,
    items: BTreeSet<String>,
    children: BTreeMap<String, usize>,
    imports: Vec<Import>,
    /// The paths outside `use` declarations.
    names: Vec<Name>,
}

#[derive(Debug)]
struct Import {
    alias: String,
    path: Vec<String>,
    public: bool,
}

#[derive(Debug)]
struct Name {
    path: Vec<String>,
    /// A parenthesis or an exclamation mark follows.
    called: bool,
}

/// What a path leads to: the module, and the item in it, unless the path names the module itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    pub module: usize,
    pub item: Option<String>,
}

/// All modules of a crate that are compiled without `cfg(test)`. The first is its root.
#[derive(Debug)]
pub struct Crate {
    pub modules: Vec<Module>,
}

/// Words that begin no path.
const NO_PATH: &[&str] = &[
    "Self", "as", "async", "await", "break", "const", "continue", "dyn", "else", "enum", "fn", "for", "if",
    "impl", "in", "let", "loop", "match", "move", "mut", "pub", "ref", "return", "static", "struct", "trait",
    "type", "unsafe", "use", "where", "while", "true", "false",
];

/// Lints and attributes of tools look like paths.
const TOOLS: &[&str] = &["clippy", "rustdoc", "rustfmt"];

const PRIMITIVES: &[&str] = &[
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16", "u32",
    "u64", "u128", "usize",
];

/// How many re-exports a path may lead through.
const MAX_HOPS: usize = 16;

impl Crate {
    /// Reads the crate whose root is `lib.rs`. `files` maps names below `src` to texts.
    ///
    /// # Panics
    /// On a glob import, which would hide what is used, and on a module without a file.
    pub fn read(files: &BTreeMap<String, String>) -> Self {
        let mut read = Self { modules: Vec::new() };
        read.file(files, "lib.rs", Vec::new());
        read
    }

    fn file(&mut self, files: &BTreeMap<String, String>, name: &str, path: Vec<String>) -> usize {
        let index = self.modules.len();
        self.modules.push(Module { path, file: name.to_owned(), ..Module::default() });
        let text = files.get(name).unwrap_or_else(|| panic!("src/{name} is missing"));
        let tokens = tokens(text);
        let mut reader = Reader { tokens: &tokens, at: 0, files };
        reader.module(self, index);
        index
    }

    /// The path from the root of the crate, which begins with `crate`, or with the name of another crate.
    /// `None` for a name that leads to neither, such as a variable or a type parameter.
    fn absolute(&self, module: usize, path: &[String], hops: usize) -> Option<Vec<String>> {
        assert!(hops < MAX_HOPS, "{path:?} in {} leads nowhere", self.modules[module].file);
        let here = &self.modules[module];
        let (first, rest) = path.split_first()?;
        let below = |base: &[String], rest: &[String]| {
            let root = std::iter::once("crate".to_owned());
            Some(root.chain(base.iter().chain(rest).cloned()).collect())
        };
        match first.as_str() {
            "crate" => Some(path.to_vec()),
            "self" => below(&here.path, rest),
            "super" => {
                let up = path.iter().take_while(|segment| *segment == "super").count();
                below(&here.path[..here.path.len() - up], &path[up..])
            }
            _ if here.children.contains_key(first) || here.items.contains(first) => below(&here.path, path),
            _ => match here.imports.iter().find(|import| import.alias == *first) {
                Some(import) if import.path[0] != *first => {
                    let mut found = self.absolute(module, &import.path, hops + 1)?;
                    found.extend_from_slice(rest);
                    Some(found)
                }
                Some(_) => Some(path.to_vec()),
                None => {
                    let foreign = !rest.is_empty()
                        && first.starts_with(char::is_lowercase)
                        && !PRIMITIVES.contains(&first.as_str());
                    foreign.then(|| path.to_vec())
                }
            },
        }
    }

    /// Where an absolute path of this crate leads, through re-exports.
    fn target(&self, path: &[String], hops: usize) -> Option<Target> {
        assert!(hops < MAX_HOPS, "{path:?} leads nowhere");
        let mut module = 0;
        for (at, segment) in path.iter().enumerate().skip(1) {
            let here = &self.modules[module];
            let last = at + 1 == path.len();
            let import = here.imports.iter().find(|import| import.alias == *segment);
            let child = here.children.get(segment);
            match child {
                Some(child) if !last || (import.is_none() && !here.items.contains(segment)) => {
                    module = *child;
                }
                _ if here.items.contains(segment) => {
                    return Some(Target { module, item: Some(segment.clone()) });
                }
                _ => {
                    let mut next = self.absolute(module, &import?.path, hops + 1)?;
                    next.extend_from_slice(&path[at + 1..]);
                    return if next[0] == "crate" { self.target(&next, hops + 1) } else { None };
                }
            }
        }
        Some(Target { module, item: None })
    }

    /// The absolute paths that a module names, as it writes them: imports, re-exports and paths in its code.
    pub fn written(&self, module: usize) -> BTreeSet<Vec<String>> {
        let here = &self.modules[module];
        let imports = here.imports.iter().map(|import| &import.path);
        let paths = imports.chain(here.names.iter().map(|name| &name.path));
        paths.filter_map(|path| self.absolute(module, path, 0)).collect()
    }

    /// The items of this crate that a module uses. Re-exports do not count, what is used of them does.
    pub fn used(&self, module: usize) -> Vec<Target> {
        let here = &self.modules[module];
        let imports = here.imports.iter().filter(|import| !import.public).map(|import| &import.path);
        // A single word is often a variable or a field.
        let names = here.names.iter().filter(|name| {
            name.path.len() > 1 || name.called || name.path[0].starts_with(char::is_uppercase)
        });
        let paths = imports.chain(names.map(|name| &name.path));
        let absolute = paths.filter_map(|path| self.absolute(module, path, 0));
        let own = absolute.filter(|path| path[0] == "crate");
        own.filter_map(|path| self.target(&path, 0)).collect()
    }
}

/// Reads the tokens of one file.
struct Reader<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    files: &'a BTreeMap<String, String>,
}

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn word(&self, ahead: usize) -> Option<&'a str> {
        if let Some(Token::Word(word)) = self.peek(ahead) { Some(word) } else { None }
    }

    /// The token `back` places before the current one.
    fn before(&self, back: usize) -> Option<Token<'a>> {
        self.at.checked_sub(back).map(|at| self.tokens[at])
    }

    /// Reads a module to its closing brace or to the end of the file.
    fn module(&mut self, all: &mut Crate, index: usize) {
        let (mut depth, mut public) = (0_usize, false);
        while let Some(token) = self.peek(0) {
            match token {
                Token::Mark('#') => {
                    self.attribute(all, index);
                    continue;
                }
                Token::Mark('{') => depth += 1,
                Token::Mark('}') if depth == 0 => break,
                Token::Mark('}') => depth -= 1,
                Token::Word("pub") => {
                    public = true;
                    self.at += self.visibility();
                    continue;
                }
                Token::Word("mod") if depth == 0 => self.child(all, index),
                Token::Word("use") if self.peek(1) != Some(Token::Mark('<')) => {
                    self.at += 1;
                    self.import(&mut all.modules[index], &[], public);
                }
                Token::Word("macro_rules") if depth == 0 => {
                    all.modules[index].items.extend(self.word(2).map(str::to_owned));
                }
                Token::Word("struct" | "enum" | "trait" | "type" | "const" | "static" | "fn") => {
                    let name = self.word(1).filter(|name| *name != "fn");
                    if let (0, Some(name)) = (depth, name) {
                        all.modules[index].items.insert(name.to_owned());
                    }
                    self.at += usize::from(name.is_some());
                }
                Token::Word(_) | Token::PathSeparator => {
                    self.path(&mut all.modules[index]);
                    public = false;
                    continue;
                }
                Token::Mark(_) | Token::Literal => {}
            }
            public = false;
            self.at += 1;
        }
    }

    /// How many tokens `pub` or `pub(crate)` has.
    fn visibility(&self) -> usize {
        let limited = self.peek(1) == Some(Token::Mark('('))
            && matches!(self.word(2), Some("crate" | "super" | "self"))
            && self.peek(3) == Some(Token::Mark(')'));
        if limited { 4 } else { 1 }
    }

    /// Reads an attribute. `#[cfg(test)]` skips the item that follows.
    fn attribute(&mut self, all: &mut Crate, index: usize) {
        let start = self.at;
        self.at += 1;
        let test = [Token::Word("cfg"), Token::Mark('('), Token::Word("test"), Token::Mark(')')];
        if self.tokens[start..].iter().skip(2).take(4).eq(&test) {
            self.at = start + 7;
            while self.peek(0) == Some(Token::Mark('#')) {
                self.at += 1;
                self.skip_group();
            }
            self.skip_item();
            return;
        }
        let end = {
            self.skip_group();
            std::mem::replace(&mut self.at, start + 1)
        };
        while self.at < end {
            match self.peek(0) {
                Some(Token::Word(_) | Token::PathSeparator) => self.path(&mut all.modules[index]),
                _ => self.at += 1,
            }
        }
    }

    /// Steps over `(…)`, `[…]` or `{…}`, an exclamation mark before it included.
    fn skip_group(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.peek(0) {
            match token {
                Token::Mark('(' | '[' | '{') => depth += 1,
                Token::Mark(')' | ']' | '}') => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 && token != Token::Mark('!') {
                return;
            }
        }
    }

    /// Steps over an item: to its semicolon or its closing brace, and no further than the enclosing block.
    fn skip_item(&mut self) {
        let mut import = false;
        while let Some(token) = self.peek(0) {
            match token {
                Token::Mark('}') => return,
                Token::Mark('(' | '[' | '{') => self.skip_group(),
                _ => self.at += 1,
            }
            import |= token == Token::Word("use");
            if token == Token::Mark(';') || (token == Token::Mark('{') && !import) {
                return;
            }
        }
    }

    /// Reads `mod name;` up to the semicolon, or `mod name { … }` up to the closing brace.
    fn child(&mut self, all: &mut Crate, parent: usize) {
        let Some(name) = self.word(1) else { return };
        let mut path = all.modules[parent].path.clone();
        path.push(name.to_owned());
        let file = all.modules[parent].file.clone();
        self.at += 2;
        let child = if self.peek(0) == Some(Token::Mark('{')) {
            self.at += 1;
            let index = all.modules.len();
            all.modules.push(Module { path, file, ..Module::default() });
            self.module(all, index);
            index
        } else {
            let file = self.file_of(&file, name);
            all.file(self.files, &file, path)
        };
        all.modules[parent].children.insert(name.to_owned(), child);
    }

    fn file_of(&self, parent: &str, name: &str) -> String {
        let stem = parent.strip_suffix(".rs").unwrap();
        let dir = match stem.rsplit_once('/') {
            Some((dir, "mod")) => format!("{dir}/"),
            None if matches!(stem, "lib" | "main") => String::new(),
            _ => format!("{stem}/"),
        };
        let flat = format!("{dir}{name}.rs");
        if self.files.contains_key(&flat) { flat } else { format!("{dir}{name}/mod.rs") }
    }

    /// Reads the tree of a `use` declaration. Stops at the mark after it: a semicolon, comma or closing brace.
    fn import(&mut self, module: &mut Module, base: &[String], public: bool) {
        let mut path = base.to_vec();
        loop {
            match self.peek(0) {
                Some(Token::PathSeparator) => self.at += 1,
                Some(Token::Mark('{')) => {
                    self.at += 1;
                    while self.peek(0) != Some(Token::Mark('}')) {
                        self.import(module, &path, public);
                        self.at += usize::from(self.peek(0) == Some(Token::Mark(',')));
                    }
                    self.at += 1;
                    return;
                }
                Some(Token::Mark('*')) => {
                    panic!("src/{}: name the items imported from {path:?} instead of a glob", module.file)
                }
                Some(Token::Word("as")) => {
                    let alias = self.word(1).unwrap_or("_").to_owned();
                    module.imports.push(Import { alias, path, public });
                    self.at += 2;
                    return;
                }
                // `{self}` names the module before it.
                Some(Token::Word("self")) if !path.is_empty() => self.at += 1,
                Some(Token::Word(word)) => {
                    path.push(word.to_owned());
                    self.at += 1;
                }
                _ => break,
            }
        }
        let alias = path.last().unwrap().clone();
        module.imports.push(Import { alias, path, public });
    }

    /// Reads a path in code: `a::b::c`. A field, a method and what follows `>::` or `$` begin none.
    fn path(&mut self, module: &mut Module) {
        let range = self.before(1) == Some(Token::Mark('.')) && self.before(2) == Some(Token::Mark('.'));
        let inner = match self.before(1) {
            Some(Token::Mark('.')) => !range,
            Some(Token::Mark('$')) => self.word(0) != Some("crate"),
            Some(Token::Mark('>' | ')' | ']') | Token::Word(_)) => self.peek(0) == Some(Token::PathSeparator),
            _ => false,
        };
        let mut path = Vec::new();
        if self.peek(0) == Some(Token::PathSeparator) {
            self.at += 1;
        }
        while let Some(word) = self.word(0) {
            path.push(word.to_owned());
            self.at += 1;
            if self.peek(0) != Some(Token::PathSeparator) || self.word(1).is_none() {
                break;
            }
            self.at += 1;
        }
        let Some(first) = path.first() else { return };
        if inner || NO_PATH.contains(&first.as_str()) || TOOLS.contains(&first.as_str()) {
            return;
        }
        let called = matches!(self.peek(0), Some(Token::Mark('(' | '!')));
        module.names.push(Name { path, called });
    }
}
