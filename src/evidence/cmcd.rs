//! What players of others say of themselves (Common Media Client Data, CTA-5004 and CTA-5004-A):
//! claims, kept beside the evidence. No second of credit rests on them.

use jiff::Timestamp;

/// Longer text is no report (CTA-5004 section 3: a report is small).
const LONGEST: usize = 4096;
/// CTA-5004 section 3.1: `sid` and `cid` have 64 characters at most.
const NAME: usize = 64;

/// One report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// `v`: 1 where it is not said.
    pub version: u8,
    /// `sid`: what the player calls its session.
    pub session: Option<String>,
    /// `cid`: what it calls what it plays.
    pub content: Option<String>,
    /// `pr`: playback rate; 1 where it is not said, 0 when it stands.
    pub rate: Option<f64>,
    /// `sta` (version 2): a letter for what it does, such as `p` for playing.
    pub state: Option<String>,
    /// `bs`: its buffer ran dry since the report before.
    pub starved: bool,
}

/// All that a player said in one session.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Claims {
    /// The version it speaks.
    pub version: u8,
    /// What it calls its session, as it last said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What it calls what it plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Its rate, in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_permille: Option<u32>,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Reports that said its buffer had run dry.
    pub starved: u64,
    /// Reports.
    pub reports: u64,
    /// When the first came.
    pub first: Timestamp,
    /// When the last came.
    pub last: Timestamp,
}

impl Report {
    /// Reads a report: `bs,sid="6e2f",pr=1.08`. None: there is nothing of it that is known here.
    /// Keys that are not known are passed over, as CTA-5004 section 3.2 asks.
    pub fn read(text: &str) -> Option<Self> {
        let mut out = Self { version: 1, ..Self::default() };
        let mut known = false;
        for part in parts(text.get(..text.len().min(LONGEST))?) {
            let (key, value) = part.split_once('=').map_or((part, None), |(k, v)| (k, Some(v.trim())));
            known |= match (key.trim(), value) {
                ("v", Some(value)) => value.parse().map(|v| out.version = v).is_ok(),
                ("sid", Some(value)) => set(&mut out.session, string(value)),
                ("cid", Some(value)) => set(&mut out.content, string(value)),
                ("pr", Some(value)) => set(&mut out.rate, rate(value)),
                ("sta", Some(value)) => set(&mut out.state, token(value)),
                ("bs", value) => {
                    out.starved = !matches!(value, Some("false" | "?0"));
                    true
                }
                _ => false,
            };
        }
        known.then_some(out)
    }
}

fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let is_there = value.is_some();
    *place = value.or(place.take());
    is_there
}

/// What stands between commas that are in no string and no list.
fn parts(text: &str) -> Vec<&str> {
    let (mut out, mut from, mut quoted, mut escaped, mut depth) = (Vec::new(), 0, false, false, 0u32);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                out.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    out.push(&text[from..]);
    out.retain(|part| !part.trim().is_empty());
    out
}

/// A string in quotes (RFC 8941 section 3.3.3), no longer than a name may be.
fn string(value: &str) -> Option<String> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::new();
    let mut escaped = false;
    for c in inner.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            c if c.is_control() => return None,
            c => {
                escaped = false;
                out.push(c);
            }
        }
    }
    (out.chars().count() <= NAME).then_some(out)
}

fn rate(value: &str) -> Option<f64> {
    value.parse().ok().filter(|rate: &f64| (0.0..=100.0).contains(rate))
}

fn token(value: &str) -> Option<String> {
    let plain = value.trim_matches('"');
    let is_short = (1..=8).contains(&plain.len()) && plain.bytes().all(|b| b.is_ascii_alphanumeric());
    is_short.then(|| plain.to_owned())
}

impl Claims {
    /// Adds a report that came at `at` to what was said before.
    pub(super) fn with(before: Option<Self>, report: Report, at: Timestamp) -> Self {
        let new = Self {
            version: report.version,
            session: None,
            content: None,
            rate_permille: None,
            state: None,
            starved: 0,
            reports: 0,
            first: at,
            last: at,
        };
        let mut all = before.unwrap_or(new);
        all.version = all.version.max(report.version);
        all.session = report.session.or(all.session);
        all.content = report.content.or(all.content);
        all.rate_permille = report.rate.map(|rate| (rate * 1000.0).round() as u32).or(all.rate_permille);
        all.state = report.state.or(all.state);
        all.starved += u64::from(report.starved);
        all.reports += 1;
        all.last = all.last.max(at);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::testing::at;
    use proptest::prelude::*;

    #[test]
    fn reports_of_both_versions_are_read() {
        let text = r#"bl=21300,br=3200,bs,cid="faec5fc2-ac30-11ea",d=4004,mtp=25400,ot=v,pr=1.08,sf=h,sid="6e2fb550-c457-11e9-bb97-0800200c9a66",st=v"#;
        let one = Report::read(text).expect("a report");
        assert_eq!(one.session.as_deref(), Some("6e2fb550-c457-11e9-bb97-0800200c9a66"));
        assert_eq!(one.content.as_deref(), Some("faec5fc2-ac30-11ea"));
        assert_eq!((one.version, one.rate, one.starved), (1, Some(1.08), true));
        let two = Report::read(r#"v=2,e=ps,sta=p,ts=1700000000000,br=(3200;v 128;a),sid="a\"b,c",bs=?0"#);
        let two = two.expect("a report");
        assert_eq!((two.version, two.state.as_deref(), two.starved), (2, Some("p"), false));
        assert_eq!(two.session.as_deref(), Some("a\"b,c"), "what is quoted is one");
        assert_eq!(Report::read("com.example-x=1,su"), None, "nothing is known of it");
        assert_eq!(Report::read(&format!("sid=\"{}\"", "x".repeat(65))), None, "too long for a name");
    }

    #[test]
    fn claims_add_up_to_what_was_said_last() {
        let said = |text: &str| Report::read(text).expect("a report");
        let all = Claims::with(None, said("sid=\"a\",bs,pr=1"), at(0));
        let all = Claims::with(Some(all), said("v=2,sta=a,pr=0"), at(9000));
        assert_eq!(all.session.as_deref(), Some("a"));
        assert_eq!((all.version, all.starved, all.reports), (2, 1, 2));
        assert_eq!((all.rate_permille, all.state.as_deref()), (Some(0), Some("a")));
        assert_eq!((all.first, all.last), (at(0), at(9000)));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_not(text in "\\PC{0,200}|[a-z=,\"\\\\(); 0-9é]{0,200}") {
            if let Some(report) = Report::read(&text) {
                prop_assert!(report.session.is_none_or(|s| s.chars().count() <= NAME));
                prop_assert!(report.rate.is_none_or(|rate| rate.is_finite()));
            }
        }
    }
}
