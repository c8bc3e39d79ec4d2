//! iCalendar (RFC 5545): a channel in people's calendars.

use jiff::Timestamp;

use super::{Entry, Listing};
use crate::base::Lang;

/// The calendar of `listing` with titles in `lang`; `stamp` is when it is written.
pub fn ics(listing: &Listing, lang: &Lang, stamp: Timestamp) -> String {
    let mut out = Lines::default();
    out.push("BEGIN:VCALENDAR");
    out.push("VERSION:2.0");
    out.push("PRODID:-//yuanjiao//guide//EN");
    out.push("CALSCALE:GREGORIAN");
    out.push("METHOD:PUBLISH");
    let name = listing.names.best(lang).map_or(listing.channel.as_str(), |(_, name)| name);
    out.push(&format!("X-WR-CALNAME:{}", escape(name)));
    for entry in &listing.entries {
        event(&mut out, listing, entry, lang, stamp, name);
    }
    out.push("END:VCALENDAR");
    out.0
}

fn event(out: &mut Lines, listing: &Listing, entry: &Entry, lang: &Lang, stamp: Timestamp, channel: &str) {
    let titles = listing.titles(entry);
    let (told_in, title) = titles.best(lang).unwrap_or((lang, channel));
    out.push("BEGIN:VEVENT");
    out.push(&format!("UID:{}@yuanjiao", entry.programme.id.0));
    out.push(&format!("DTSTAMP:{}", utc(stamp)));
    out.push(&format!("DTSTART:{}", utc(entry.programme.start)));
    out.push(&format!("DTEND:{}", utc(entry.end)));
    out.push(&format!("SUMMARY;LANGUAGE={told_in}:{}", escape(title)));
    out.push(&format!("LOCATION:{}", escape(channel)));
    // Television does not make a person busy.
    out.push("TRANSP:TRANSPARENT");
    out.push("END:VEVENT");
}

fn utc(t: Timestamp) -> String {
    t.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// RFC 5545 §3.3.11.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Content lines, folded at 75 octets between characters (RFC 5545 §3.1).
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn push(&mut self, line: &str) {
        let mut octets = 0;
        for c in line.chars() {
            if octets + c.len_utf8() > 75 {
                self.0.push_str("\r\n ");
                octets = 1;
            }
            self.0.push(c);
            octets += c.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::fixtures::{an_evening, at};
    use proptest::prelude::*;

    #[test]
    fn an_evening_as_a_calendar() {
        let calendar = ics(&an_evening(), &Lang::new("ug-Arab").unwrap(), at("00:00"));
        let lines: Vec<&str> = calendar.split("\r\n").collect();
        assert_eq!(lines[5], "X-WR-CALNAME:يۇرت دەرسخانىسى");
        let second =
            lines.iter().position(|l| l.starts_with("UID:xiangtu-20261130T113000Z@yuanjiao")).unwrap();
        assert_eq!(
            lines[second..second + 7],
            [
                "UID:xiangtu-20261130T113000Z@yuanjiao",
                "DTSTAMP:20261130T000000Z",
                "DTSTART:20261130T113000Z",
                "DTEND:20261130T121230Z",
                "SUMMARY;LANGUAGE=ug-Arab:ئۈزۈم ئۆستۈرۈش تېخنىكىسى",
                "LOCATION:يۇرت دەرسخانىسى",
                "TRANSP:TRANSPARENT",
            ]
        );
        // What has no Uighur title says which language it shows.
        assert!(calendar.contains("SUMMARY;LANGUAGE=zh-Hans:转播"));
        assert!(calendar.ends_with("END:VEVENT\r\nEND:VCALENDAR\r\n"));
    }

    #[test]
    fn commas_semicolons_and_lines_are_escaped() {
        assert_eq!(escape("a,b;c\\d\ne\r"), "a\\,b\\;c\\\\d\\ne");
    }

    proptest! {
        #[test]
        fn folding_is_short_and_loses_nothing(text in "[^\\p{Cc}]{0,200}") {
            let mut lines = Lines::default();
            lines.push(&text);
            prop_assert!(lines.0.split("\r\n").all(|l| l.len() <= 75));
            prop_assert_eq!(lines.0.replace("\r\n ", ""), text + "\r\n");
        }
    }
}
