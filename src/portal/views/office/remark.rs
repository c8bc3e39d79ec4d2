//! What is wrong in a file that people write, for who reads a page.

use crate::base::{Fault, Problem};
use crate::portal::i18n;
use crate::portal::views::PageContext;

/// A problem in two voices: of which sort it is and where, in the page's
/// language; and what exactly, as the server's log has it, in English.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remark {
    /// The sort, and the place if there is one to look for.
    pub said: String,
    /// What was expected and what to do, in English.
    pub detail: String,
}

impl Remark {
    /// About something that was typed into a form: it has no place.
    pub fn on(ctx: &PageContext<'_>, problem: &Problem) -> Self {
        Self { said: ctx.t(key(problem.fault)), detail: problem.message.clone() }
    }

    /// About a line of a file.
    pub fn in_file(ctx: &PageContext<'_>, problem: &Problem) -> Self {
        let values = [("line", &*problem.line.to_string()), ("column", &problem.column.to_string())];
        let place = i18n::text(ctx.lang, "fault-place", &values);
        Self { said: format!("{place} {}", ctx.t(key(problem.fault))), detail: problem.message.clone() }
    }
}

impl Remark {
    /// Something said in the page's language alone.
    pub fn of(said: String) -> Self {
        Self { said, detail: String::new() }
    }
}

impl From<String> for Remark {
    /// The words of the system or of a library, which have no other language.
    fn from(detail: String) -> Self {
        Self { said: String::new(), detail }
    }
}

fn key(fault: Fault) -> &'static str {
    match fault {
        Fault::Unreadable => "fault-unreadable",
        Fault::Syntax => "fault-syntax",
        Fault::Key => "fault-key",
        Fault::Missing => "fault-missing",
        Fault::Empty => "fault-empty",
        Fault::Value => "fault-value",
        Fault::Range => "fault-range",
        Fault::Unknown => "fault-unknown",
        Fault::Twice => "fault-twice",
        Fault::Contradiction => "fault-contradiction",
        Fault::Overlap => "fault-overlap",
        Fault::Clock => "fault-clock",
        Fault::Gap => "fault-gap",
        Fault::NotThere => "fault-not-there",
    }
}
