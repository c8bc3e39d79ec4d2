//! Exports that are genuine, and what is found of those that are not.

use std::convert::Infallible;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::base::{ChannelId, SessionId, SiteId, Titles};
use crate::evidence::{CloseReason, Device, Item, Opening, SILENCE, Session};
use crate::tlog::tree::tests::Leaves;
use crate::tlog::tree::{around, consistency, root, tree_root};
use crate::tlog::{Earlier, Exported, Kind, Salt, Sealed, Signer};

fn good<T>(made: Result<T, Infallible>) -> T {
    made.unwrap_or_else(|never| match never {})
}

fn signer() -> Signer {
    Signer::new("county.example/log", [9; 32]).expect("a name")
}

fn second(n: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + n).expect("an instant")
}

/// The `n`th playback: a minute of a channel, logged `at` seconds after the beginning.
fn playback(n: u64, at: i64) -> (Sealed, String) {
    let mut session = Session::new(
        Opening {
            id: SessionId::new(&format!("s{n}")).expect("an id"),
            site: SiteId::new("aksu").ok(),
            terminal: None,
            item: Item::Channel(ChannelId::new("xiangtu").expect("an id")),
            title: Titles::default(),
            content_hash: None,
            duration_ms: None,
            lang: None,
            device: Device::Tv,
            timeout: SILENCE,
        },
        second(at - 60),
    );
    let sent = crate::evidence::DeliveredSegment {
        owner: "relay.national",
        n: 0,
        start_ms: second(at - 60).as_millisecond(),
        dur_ms: 4000 + n as i64,
    };
    session.deliver(sent, second(at - 60));
    session.close(CloseReason::Stopped, second(at));
    let record = session.record();
    let body = serde_json::to_string(&record).expect("it is written");
    let facts = Facts::Session(SessionFacts::of(&record).expect("it is over"));
    let salt: Salt = [n as u8; 16];
    (Sealed::new(facts, second(at), salt, &body).expect("it is written"), body)
}

/// A log whose entries were logged at these seconds.
struct Log {
    tree: Leaves,
    entries: Vec<Exported>,
    times: Vec<i64>,
}

impl Log {
    fn new(times: &[i64]) -> Self {
        let mut times = times.to_vec();
        times.sort_unstable();
        let sealed: Vec<_> = (0..).zip(&times).map(|(n, at)| playback(n, *at)).collect();
        let entries = (0..).zip(&sealed);
        Self {
            tree: Leaves(sealed.iter().map(|(s, _)| s.hash()).collect()),
            entries: entries
                .map(|(no, (s, body))| Exported {
                    no,
                    leaf: s.leaf.clone(),
                    body: Some((s.salt, body.clone())),
                })
                .collect(),
            times,
        }
    }

    fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    fn checkpoint(&self, size: u64) -> String {
        let root = good(tree_root(&self.tree, size));
        signer().sign(&Checkpoint { origin: "county.example/log".into(), size, root }.text())
    }

    /// What was logged in `[from, to)`, as the store gives it.
    fn export(&self, (from, to): (i64, i64), earlier: &[u64]) -> (Header, Vec<Line>) {
        let size = self.size();
        let first_at = |at: i64| self.times.iter().filter(|t| **t < at).count() as u64;
        let (first, end) = (first_at(from).saturating_sub(1), (first_at(to) + 1).min(size));
        let hashes = |h: Vec<Hash>| h.iter().map(hex::encode).collect();
        let roots = blocks((first, end)).into_iter().map(|(at, n)| good(root(&self.tree, at, at + n)));
        let header = Header {
            evidence: VERSION,
            origin: "county.example/log".into(),
            key: signer().verifier(Kind::Own).to_string(),
            checkpoint: self.checkpoint(size),
            from: second(from),
            to: second(to),
            first,
            entries: end - first,
            around: hashes(good(around(&self.tree, (first, end), size))),
            blocks: hashes(roots.collect()),
            history: earlier
                .iter()
                .map(|old| Earlier {
                    checkpoint: self.checkpoint(*old),
                    proof: hashes(good(consistency(&self.tree, *old, size))),
                })
                .collect(),
        };
        let lines = self.entries[first as usize..end as usize].iter().cloned().map(|mut entry| {
            let at = self.times[entry.no as usize];
            entry.body = entry.body.filter(|_| (from..to).contains(&at));
            Line::from(entry)
        });
        (header, lines.collect())
    }
}

fn judged(header: &Header, lines: &[Line], since: Option<&str>) -> Result<Verdict, Fault> {
    let key = signer().verifier(Kind::Own);
    let trust = Trust { key: &key, witnesses: &[], since };
    verify(header, lines.iter().cloned().map(Ok), trust, &mut |_, _| {})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_export_of_any_period_is_genuine(
        times in prop::collection::vec(0i64..1000, 1..80), ends in any::<[u16; 2]>(), old in any::<prop::sample::Index>(),
    ) {
        let log = Log::new(&times);
        let mut ends = ends.map(|e| i64::from(e) % 1100 - 50);
        ends.sort_unstable();
        let [from, to] = ends;
        let old = old.index(log.size() as usize) as u64;
        let earlier: Vec<u64> = [old].into_iter().filter(|o| *o > 0).collect();
        let (header, lines) = log.export((from, to), &earlier);
        let verdict = judged(&header, &lines, None).expect("it is genuine");
        prop_assert_eq!(verdict.entries as usize, times.iter().filter(|t| (from..to).contains(*t)).count());
        prop_assert_eq!((verdict.sessions, verdict.erased), (verdict.entries, 0));
        prop_assert_eq!(verdict.earlier as usize, earlier.len());
        if old > 0 {
            judged(&header, &lines, Some(&log.checkpoint(old))).expect("the log continues it");
        }
    }

    #[test]
    fn whatever_is_done_to_an_export_is_found(
        times in prop::collection::vec(0i64..300, 3..60), at in any::<prop::sample::Index>(), how in 0u8..9,
    ) {
        let log = Log::new(&times);
        let (mut header, mut lines) = log.export((0, 1000), &[]);
        prop_assert!(judged(&header, &lines, None).is_ok());
        let at = at.index(lines.len());
        let no = lines[at].no;
        let named = |fault: Fault| match fault {
            Fault::Record { no: n, .. } => n == no,
            Fault::Block { first, last } => (first..=last).contains(&no),
            _ => false,
        };
        let fault = |header: &Header, lines: &[Line]| judged(header, lines, None).expect_err("it was altered");
        match how {
            // The public facts, as a clerk would with an editor.
            0 => {
                lines[at].leaf = lines[at].leaf.replace("\"delivered_ms\":4", "\"delivered_ms\":9");
                prop_assert!(named(fault(&header, &lines)));
            }
            // The record.
            1 => {
                let body = lines[at].body.as_mut().expect("a body");
                *body = body.replace("aksu", "hotan");
                prop_assert!(named(fault(&header, &lines)));
            }
            // Both, and the commitment with them.
            2 => {
                let (forged, body) = playback(99, times[0]);
                lines[at] = Line {
                    no,
                    leaf: forged.leaf,
                    salt: Some(hex::encode(forged.salt)),
                    body: Some(body),
                };
                prop_assert!(named(fault(&header, &lines)));
            }
            3 => {
                lines.remove(at);
                let found = fault(&header, &lines);
                let is_named = matches!(found, Fault::Order { expected, .. } if expected == no);
                prop_assert!(is_named || matches!(found, Fault::Count { .. }), "{}", found);
            }
            // Left out, and the rest numbered anew.
            4 => {
                lines.remove(at);
                for (line, n) in lines.iter_mut().zip(0..) {
                    line.no = n;
                }
                header.entries -= 1;
                fault(&header, &lines);
            }
            5 => {
                let again = lines[at].clone();
                lines.push(Line { no: lines.len() as u64, ..again });
                let is_counted = matches!(fault(&header, &lines), Fault::Count { .. });
                prop_assert!(is_counted);
            }
            // The end cut off, and said to be the whole.
            6 => {
                lines.truncate(at);
                header.entries = at as u64;
                fault(&header, &lines);
            }
            // A body taken away as if it had been erased shows as erased, and is no more than that.
            7 => {
                (lines[at].salt, lines[at].body) = (None, None);
                prop_assert_eq!(judged(&header, &lines, None).map(|v| v.erased), Ok(1));
            }
            _ => {
                let other = Signer::new("county.example/log", [1; 32]).expect("a name");
                let text = Checkpoint::parse(&Note::parse(&header.checkpoint).expect("a note").text);
                header.checkpoint = other.sign(&text.expect("a checkpoint").text());
                prop_assert!(matches!(fault(&header, &lines), Fault::Checkpoint(_)));
            }
        }
    }
}

#[test]
fn a_period_that_is_cut_short_is_found() {
    let log = Log::new(&[10, 20, 30, 40, 50, 60]);
    // The export of a shorter period, said to be of a longer one.
    let (header, lines) = log.export((25, 45), &[]);
    assert_eq!(judged(&header, &lines, None).map(|v| v.entries), Ok(2));
    let longer = Header { to: second(55), ..header.clone() };
    assert_eq!(judged(&longer, &lines, None), Err(Fault::Period("end")));
    let earlier = Header { from: second(15), ..header };
    assert_eq!(judged(&earlier, &lines, None), Err(Fault::Period("beginning")));
}

#[test]
fn a_log_that_was_rewritten_does_not_continue_what_somebody_kept() {
    let times: Vec<i64> = (0..40).collect();
    let kept = Log::new(&times).checkpoint(30);
    // One playback more in its middle and one less at its end, as of a database that was edited.
    let (mut header, lines) = Log::new(&[&times[..20], &[21], &times[21..]].concat()).export((0, 100), &[30]);
    assert!(judged(&header, &lines, None).is_ok(), "by itself it is in order");
    let rewritten = Err(Fault::Rewritten { old: 30, size: 40 });
    assert_eq!(judged(&header, &lines, Some(&kept)), rewritten);
    header.history.clear();
    assert_eq!(judged(&header, &lines, Some(&kept)), Err(Fault::NoProof(30)));
    // A backup of the day before.
    let (header, lines) = Log::new(&times[..20]).export((0, 100), &[]);
    assert_eq!(judged(&header, &lines, Some(&kept)), Err(Fault::Rewritten { old: 30, size: 20 }));
}

#[test]
fn an_erasure_hides_no_correction() {
    let said = |headcount| StudyFacts {
        study: 7,
        site: SiteId::new("aksu").expect("an id"),
        from: second(0),
        to: second(3600),
        headcount,
        counts: true,
    };
    let mut found = Found::default();
    found.study(3, &Facts::Study(said(20))).expect("as it was written down");
    found.study(4, &Facts::StudyErased { of: 3, facts: said(20) }).expect("somebody is gone");
    found.study(5, &Facts::StudyCorrected { of: 4, facts: said(30) }).expect("it was approved");
    let hidden = found.study(6, &Facts::StudyErased { of: 5, facts: said(90) });
    assert!(matches!(hidden, Err(Fault::Record { no: 6, .. })), "{hidden:?}");
    found.study(6, &Facts::StudyErased { of: 1, facts: said(90) }).expect("of what is not in this export");
}
