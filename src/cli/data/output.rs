//! How results are written: a table on a terminal, one item a line elsewhere, or JSON or YAML.

use std::io::{IsTerminal, Write};

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::cli::remote::credentials::variable;

/// The form of the output.
#[derive(Debug, Clone, Copy, Args)]
pub(in crate::cli) struct OutputArgs {
    /// Form of the output [default: table on a terminal, else text].
    #[arg(long, short = 'o', env = "SESAME_OUTPUT", value_enum, value_name = "FORM")]
    output: Option<Form>,
}

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Columns with a heading.
    Table,
    /// One item a line, with a tab between its members.
    Text,
    /// JSON, with the member names of the API.
    Json,
    /// YAML, with the member names of the API.
    Yaml,
}

impl OutputArgs {
    fn form(self) -> Form {
        let standing = if std::io::stdout().is_terminal() { Form::Table } else { Form::Text };
        self.output.unwrap_or(standing)
    }

    /// Whether the answer of the service itself is wanted.
    pub(in crate::cli) fn is_data(self) -> bool {
        matches!(self.form(), Form::Json | Form::Yaml)
    }

    /// Writes a list: rows for people, `data` for programs.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(in crate::cli) fn list(
        self,
        out: &mut dyn Write,
        titles: &[&str],
        rows: &[Vec<String>],
        data: &Value,
    ) -> anyhow::Result<()> {
        match self.form() {
            Form::Table => table(out, Some(titles), rows),
            Form::Text => text(out, rows),
            Form::Json | Form::Yaml => self.data(out, data),
        }
    }

    /// Writes one row of a list without an end: in a table its cells have fixed `widths`, and a longer cell moves the rest of its row.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(in crate::cli) fn row(
        self,
        out: &mut dyn Write,
        row: &[String],
        widths: &[usize],
    ) -> anyhow::Result<()> {
        match self.form() {
            Form::Table => Ok(writeln!(out, "{}", aligned(&plain_row(row), widths))?),
            _ => text(out, &[row.to_vec()]),
        }
    }

    /// Writes the heading of a list without an end, where the output is a table.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(in crate::cli) fn heading(
        self,
        out: &mut dyn Write,
        titles: &[&str],
        widths: &[usize],
    ) -> anyhow::Result<()> {
        if self.form() == Form::Table {
            heading(out, titles, widths)?;
            out.flush()?;
        }
        Ok(())
    }

    /// Writes the facts of one thing: names and values for people, `data` for programs.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(in crate::cli) fn facts(
        self,
        out: &mut dyn Write,
        facts: &[(&str, String)],
        data: &Value,
    ) -> anyhow::Result<()> {
        let rows: Vec<Vec<String>> =
            facts.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]).collect();
        match self.form() {
            Form::Table => table(out, None, &rows),
            Form::Text => text(out, &rows),
            Form::Json | Form::Yaml => self.data(out, data),
        }
    }

    /// Writes what was done: a sentence for people, `data` for programs.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(in crate::cli) fn done(
        self,
        out: &mut dyn Write,
        sentence: &str,
        data: &Value,
    ) -> anyhow::Result<()> {
        if self.is_data() {
            return self.data(out, data);
        }
        Ok(writeln!(out, "{sentence}")?)
    }

    fn data(self, out: &mut dyn Write, data: &Value) -> anyhow::Result<()> {
        if self.form() == Form::Yaml {
            let yaml = serde_saphyr::to_string(data).context("the answer as YAML")?;
            return Ok(writeln!(out, "{}", yaml.trim_end())?);
        }
        Ok(writeln!(out, "{}", serde_json::to_string_pretty(data)?)?)
    }
}

/// A member of an answer as text; empty when it is absent.
pub(in crate::cli) fn member(item: &Value, name: &str) -> String {
    match item.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The texts of a list inside an answer.
pub(in crate::cli) fn texts(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The tags of an answer as `key=value`.
pub(in crate::cli) fn tags(item: &Value) -> Vec<String> {
    let list = item.get("Tags").and_then(|tags| tags.get("Tag")).and_then(Value::as_array);
    let tag = |tag: &Value| {
        let either = |long: &str, short: &str| {
            let found = tag.get(long).or_else(|| tag.get(short));
            found.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        format!("{}={}", either("TagKey", "Key"), either("TagValue", "Value"))
    };
    list.map_or_else(Vec::new, |list| list.iter().map(tag).collect())
}

/// What a terminal or a line cannot show becomes a visible escape.
fn plain(cell: &str) -> String {
    cell.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

fn text(out: &mut dyn Write, rows: &[Vec<String>]) -> anyhow::Result<()> {
    for row in rows {
        writeln!(out, "{}", plain_row(row).join("\t"))?;
    }
    Ok(())
}

fn plain_row(row: &[String]) -> Vec<String> {
    row.iter().map(|cell| plain(cell)).collect()
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> =
        row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
    cells.join("  ").trim_end().to_owned()
}

fn heading(out: &mut dyn Write, titles: &[&str], widths: &[usize]) -> anyhow::Result<()> {
    let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
    let (bold, plain) = if colour() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    Ok(writeln!(out, "{bold}{}{plain}", aligned(&titles, widths))?)
}

fn table(out: &mut dyn Write, titles: Option<&[&str]>, rows: &[Vec<String>]) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| plain_row(row)).collect();
    let titled = titles.map(|titles| titles.iter().map(|title| title.chars().count()).collect::<Vec<_>>());
    let mut widths = titled.unwrap_or_default();
    for row in &rows {
        for (place, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(place) {
                Some(most) => *most = width.max(*most),
                None => widths.push(width),
            }
        }
    }
    if let Some(titles) = titles {
        heading(out, titles, &widths)?;
    }
    for row in &rows {
        writeln!(out, "{}", aligned(row, &widths))?;
    }
    Ok(())
}

/// Whether standard output takes colour: a terminal, and NO_COLOR is not set.
pub(in crate::cli) fn colour() -> bool {
    let dumb = variable("TERM").is_none_or(|term| term == "dumb");
    std::io::stdout().is_terminal() && variable("NO_COLOR").is_none() && !dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_control_characters_are_shown() {
        let mut out = Vec::new();
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["b\x1b[2J\n".to_owned(), "22".to_owned()]];
        table(&mut out, Some(&["NAME", "N"]), &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "NAME          N\na             1\nb\\u{1b}[2J\\n  22\n");
        let mut out = Vec::new();
        text(&mut out, &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\t1\nb\\u{1b}[2J\\n\t22\n");
    }
}
