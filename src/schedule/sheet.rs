//! A schedule as a table that a clerk keeps in a spreadsheet, out and in.
//!
//! One row is one entry: the day or the date, start and end, a title for each
//! language, and what is played. What is written is read again as it was.

use jiff::civil::{Date, Time};

use super::draft::{Draft, Lack, When, time, time_written};
use super::read::FOLLOWING;
use crate::base::workbook::Table;
use crate::base::{DAY_NAMES, Lang};

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Days of the week, or a date.
    When,
    /// Dates on which it does not stand.
    Except,
    /// When it starts.
    Start,
    /// When it ends.
    End,
    /// Its title in a language.
    Title(Lang),
    /// Lessons, in their order.
    Lessons,
    /// A relay.
    Relay,
    /// A series.
    Series,
    /// The last episode once more.
    Repeat,
    /// How many episodes.
    Episodes,
    /// The relayed programme becomes a lesson.
    Keep,
    /// Language to be heard.
    Lang,
}

/// The columns, in their order; titles stand in each of `languages`.
pub fn columns(languages: &[Lang]) -> Vec<Column> {
    let titles = languages.iter().cloned().map(Column::Title);
    let before = [Column::When, Column::Start, Column::End];
    let after = [
        Column::Lessons,
        Column::Relay,
        Column::Series,
        Column::Repeat,
        Column::Episodes,
        Column::Keep,
        Column::Lang,
        Column::Except,
    ];
    before.into_iter().chain(titles).chain(after).collect()
}

/// The words of one language for headings and cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Headings; that of a title without its language.
    pub headings: Vec<(Column, String)>,
    /// Heading of a title.
    pub title: String,
    /// Every day.
    pub daily: String,
    /// Monday to Friday.
    pub weekdays: String,
    /// The days, Monday first.
    pub days: [String; 7],
    /// When the entry above has ended.
    pub following: String,
    /// Yes.
    pub yes: String,
}

impl Words {
    fn heading(&self, column: &Column) -> String {
        match column {
            Column::Title(lang) => format!("{} ({lang})", self.title),
            column => {
                let found = self.headings.iter().find(|(c, _)| c == column);
                found.map(|(_, said)| said.clone()).unwrap_or_default()
            }
        }
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// A heading that is none.
    Heading(String),
    /// There is no row with the headings.
    NoHeadings,
    /// Neither days nor a date.
    When(String),
    /// No time.
    Time(String),
    /// No language.
    Lang(String),
    /// No number of episodes.
    Number(String),
    /// What the entry lacks.
    Lacks(Lack),
}

/// A row, as the spreadsheet counts them, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetProblem {
    /// From 1.
    pub line: usize,
    /// What.
    pub wrong: Wrong,
}

/// The entries as rows, headings first.
pub fn write(drafts: &[Draft], words: &Words, languages: &[Lang]) -> Vec<Vec<String>> {
    let columns = columns(languages);
    let mut rows = vec![columns.iter().map(|c| words.heading(c)).collect::<Vec<_>>()];
    rows.extend(drafts.iter().map(|d| columns.iter().map(|c| cell(d, c, words)).collect()));
    rows
}

fn cell(draft: &Draft, column: &Column, words: &Words) -> String {
    let yes = |yes: bool| if yes { words.yes.clone() } else { String::new() };
    match column {
        Column::When => match draft.when {
            When::Once(date) => date.map(|d| d.to_string()).unwrap_or_default(),
            When::Weekly([true, true, true, true, true, true, true]) => words.daily.clone(),
            When::Weekly([true, true, true, true, true, false, false]) => words.weekdays.clone(),
            When::Weekly(days) => {
                let chosen = words.days.iter().zip(days).filter(|(_, on)| *on).map(|(day, _)| day.as_str());
                chosen.collect::<Vec<_>>().join(" ")
            }
        },
        Column::Except => draft.except.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Column::Start if draft.follows => words.following.clone(),
        Column::Start => draft.start.map(time_written).unwrap_or_default(),
        Column::End => match draft.end {
            Some(end) if end == Time::midnight() => "24:00".to_owned(),
            end => end.map(time_written).unwrap_or_default(),
        },
        Column::Title(lang) => draft.titles.0.get(lang).cloned().unwrap_or_default(),
        Column::Lessons => draft.lessons.join(" "),
        Column::Relay => draft.relay.clone().unwrap_or_default(),
        Column::Series => draft.series.clone().unwrap_or_default(),
        Column::Repeat => yes(draft.repeat),
        Column::Episodes if draft.episodes > 0 => draft.episodes.to_string(),
        Column::Episodes => String::new(),
        Column::Keep => yes(draft.keep),
        Column::Lang => draft.lang.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// The entries of a table whose headings and cells are in any of the languages
/// of `words`, or as files have them. Empty rows are left out. Whether a row
/// without days that follows another is weekly is told by that other.
pub fn read(table: &Table, words: &[Words]) -> Result<Vec<(usize, Draft)>, Vec<SheetProblem>> {
    let mut rows = (1..).zip(&table.rows).filter(|(_, row)| row.iter().any(|c| !c.is_empty()));
    let Some((line, headings)) = rows.next() else {
        return Err(vec![SheetProblem { line: 1, wrong: Wrong::NoHeadings }]);
    };
    let mut problems = Vec::new();
    let columns: Vec<Option<Column>> = headings.iter().map(|h| column(h, words)).collect();
    let unknown = headings.iter().zip(&columns).filter(|(h, c)| !h.is_empty() && c.is_none());
    problems.extend(unknown.map(|(h, _)| SheetProblem { line, wrong: Wrong::Heading(h.clone()) }));
    if !columns.contains(&Some(Column::When)) || !columns.contains(&Some(Column::Start)) {
        problems.push(SheetProblem { line, wrong: Wrong::NoHeadings });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut drafts: Vec<(usize, Draft)> = Vec::new();
    for (line, row) in rows {
        let above = drafts.last().map(|(_, above)| above.when);
        let mut reader = Row { line, words, above, problems: &mut problems };
        let draft = reader.read(&columns, row);
        if let Some(lack) = draft.lacks() {
            reader.wrong(Wrong::Lacks(lack));
        }
        drafts.push((line, draft));
    }
    if problems.is_empty() { Ok(drafts) } else { Err(problems) }
}

fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

fn column(heading: &str, words: &[Words]) -> Option<Column> {
    const PLAIN: [(&str, Column); 11] = [
        ("except", Column::Except),
        ("when", Column::When),
        ("start", Column::Start),
        ("end", Column::End),
        ("play", Column::Lessons),
        ("relay", Column::Relay),
        ("series", Column::Series),
        ("repeat", Column::Repeat),
        ("episodes", Column::Episodes),
        ("keep", Column::Keep),
        ("lang", Column::Lang),
    ];
    if let Some((title, tag)) = heading.trim_end_matches(')').split_once('(') {
        let is_title = same(title, "title") || words.iter().any(|w| same(title, &w.title));
        return Lang::new(tag.trim()).ok().filter(|_| is_title).map(Column::Title);
    }
    let said = words.iter().flat_map(|w| &w.headings).find(|(_, said)| same(said, heading));
    let plain = PLAIN.into_iter().find(|(name, _)| same(name, heading)).map(|(_, column)| column);
    said.map(|(column, _)| column.clone()).or(plain)
}

struct Row<'r> {
    line: usize,
    words: &'r [Words],
    above: Option<When>,
    problems: &'r mut Vec<SheetProblem>,
}

impl Row<'_> {
    fn wrong(&mut self, wrong: Wrong) {
        self.problems.push(SheetProblem { line: self.line, wrong });
    }

    fn read(&mut self, columns: &[Option<Column>], row: &[String]) -> Draft {
        let mut draft = Draft::new(When::Once(None));
        for (column, cell) in columns.iter().zip(row).filter(|(_, cell)| !cell.trim().is_empty()) {
            let (cell, text) = (cell.trim(), cell.trim().to_owned());
            match column {
                None => {}
                Some(Column::When) => match self.when(cell) {
                    Some(when) => draft.when = when,
                    None => self.wrong(Wrong::When(text)),
                },
                Some(Column::Except) => match cell.split_whitespace().map(str::parse).collect() {
                    Ok(dates) => draft.except = dates,
                    Err(_) => self.wrong(Wrong::When(text)),
                },
                Some(Column::Start) if self.said(cell, FOLLOWING, |w| &w.following) => draft.follows = true,
                Some(Column::Start) => draft.start = self.time(cell),
                Some(Column::End) => draft.end = self.time(cell),
                Some(Column::Title(lang)) => {
                    draft.titles.0.insert(lang.clone(), text);
                }
                Some(Column::Lessons) => {
                    let apart =
                        |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '、' | '，' | '；' | '+');
                    draft.lessons = cell.split(apart).filter(|l| !l.is_empty()).map(str::to_owned).collect();
                }
                Some(Column::Relay) => draft.relay = Some(text),
                Some(Column::Series) => draft.series = Some(text),
                Some(Column::Repeat) => draft.repeat = self.yes(cell),
                Some(Column::Keep) => draft.keep = self.yes(cell),
                Some(Column::Episodes) => match cell.parse() {
                    Ok(n) => draft.episodes = n,
                    Err(_) => self.wrong(Wrong::Number(text)),
                },
                Some(Column::Lang) => match Lang::new(cell) {
                    Ok(lang) => draft.lang = Some(lang),
                    Err(_) => self.wrong(Wrong::Lang(text)),
                },
            }
        }
        if draft.follows && draft.when == When::Once(None) {
            draft.when = match self.above {
                Some(When::Weekly(_)) => When::Weekly([false; 7]),
                _ => When::Once(None),
            };
        }
        draft
    }

    /// True if a cell says `plain`, or the same in one of the languages.
    fn said(&self, cell: &str, plain: &str, word: impl Fn(&Words) -> &str) -> bool {
        same(cell, plain) || self.words.iter().any(|w| same(cell, word(w)))
    }

    fn yes(&self, cell: &str) -> bool {
        ["yes", "true", "1", "x"].iter().any(|yes| self.said(cell, yes, |w| &w.yes))
    }

    fn time(&mut self, cell: &str) -> Option<Time> {
        // A spreadsheet takes 9:30 for what it is.
        let whole = if cell.find(':') == Some(1) { format!("0{cell}") } else { cell.to_owned() };
        let read = time(&whole).filter(|_| whole.contains(':'));
        if read.is_none() {
            self.wrong(Wrong::Time(cell.to_owned()));
        }
        read
    }

    fn when(&self, cell: &str) -> Option<When> {
        if let Ok(date) = cell.parse::<Date>() {
            return Some(When::Once(Some(date)));
        }
        if self.said(cell, "daily", |w| &w.daily) {
            return Some(When::Weekly([true; 7]));
        }
        if self.said(cell, "weekdays", |w| &w.weekdays) {
            return Some(When::Weekly([true, true, true, true, true, false, false]));
        }
        let mut days = [false; 7];
        let mut rest = cell.trim();
        // Names of days may hold spaces themselves: the longest that fits is taken.
        while !rest.is_empty() {
            let names =
                |day: usize| self.words.iter().map(move |w| w.days[day].as_str()).chain([DAY_NAMES[day]]);
            let fits = (0..7).flat_map(|day| names(day).map(move |name| (day, name)));
            let fits = fits.filter(|(_, name)| !name.is_empty() && starts_with(rest, name));
            let (day, name) = fits.max_by_key(|(_, name)| name.len())?;
            days[day] = true;
            let chars = name.chars().count();
            let at = rest.char_indices().nth(chars).map_or(rest.len(), |(at, _)| at);
            rest = rest[at..].trim_start_matches(|c: char| c.is_whitespace() || ",;、，；·".contains(c));
        }
        (days != [false; 7]).then_some(When::Weekly(days))
    }
}

fn starts_with(text: &str, name: &str) -> bool {
    let begins: String = text.chars().take(name.chars().count()).collect();
    same(&begins, name)
}

#[cfg(test)]
#[path = "sheet_tests.rs"]
mod tests;
