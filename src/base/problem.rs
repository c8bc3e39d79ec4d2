//! Problems in files that people write: where, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// What sort of problem it is. The message says the rest, in English, as the
/// log and `yuanjiao check` do; pages put this before it in their language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The file cannot be read at all.
    Unreadable,
    /// It is not TOML.
    Syntax,
    /// A key that means nothing.
    Key,
    /// Something that has to be there is not.
    Missing,
    /// A list or a text with nothing in it.
    Empty,
    /// A value that is not of its kind.
    Value,
    /// A number or a length of time beyond what makes sense.
    Range,
    /// The name of something that the county does not have.
    Unknown,
    /// The same once more.
    Twice,
    /// Two values that do not go together.
    Contradiction,
    /// Two entries that want the same time.
    Overlap,
    /// A time at which clocks change.
    Clock,
    /// Time for which nothing is planned.
    Gap,
    /// A lesson that has not arrived yet.
    NotThere,
}

/// One problem at one place of a file, printed as `file:line:column: message`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Problem {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Its sort.
    pub fault: Fault,
    /// What was expected and what to do, in English.
    pub message: String,
}

impl Problem {
    /// A problem at byte `offset` of `text`, the content of `file`.
    pub fn at(file: &Path, text: &str, offset: usize, fault: Fault, message: impl Into<String>) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            fault,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file.display(), self.line, self.column, self.message)
    }
}

/// All problems found, never empty when returned as an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let text = "a = 1\n标题 = x\n";
        let at = text.find('x').expect("there");
        let p = Problem::at(Path::new("c.toml"), text, at, Fault::Value, "no");
        assert_eq!(p.to_string(), "c.toml:2:6: no");
    }
}
