//! The as-run log (播出日志) as people read it: planned against played.

use jiff::{SignedDuration, Timestamp};

use crate::base::Titles;
use crate::schedule::{Programme, ProgrammeId};

use super::timeline::place;
use super::{Airing, AiringSource, Hand, Sources};

/// Something planned, or a time in which nothing was, with what was on air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsRun {
    /// The programme; none: nothing was planned, or a command stood in its place.
    pub programme: Option<ProgrammeId>,
    /// When it was to start; none where it goes on after something else.
    pub planned: Option<Timestamp>,
    /// Its titles as they were announced.
    pub titles: Titles,
    /// How long after its planned start it began; none: it is no start, or never came on air.
    pub lateness: Option<SignedDuration>,
    /// What was on air, in order; empty: it was planned and did not come on air.
    pub parts: Vec<Part>,
}

/// One airing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number in the log.
    pub no: u64,
    /// From when.
    pub start: Timestamp,
    /// To when; none: it is on air.
    pub end: Option<Timestamp>,
    /// What.
    pub source: AiringSource,
    /// It filled a gap.
    pub filler: bool,
    /// The command to which it was due.
    pub hand: Option<Hand>,
}

/// What began in `[from, to)`, from the log's `airings` (oldest first) and the
/// `planned` programmes of that time. A programme that was to start by `now`
/// and has no airing stands there without parts, where it was planned.
///
/// Airings that came to nothing are left out: nobody saw them.
pub fn as_run(
    planned: &[Programme],
    airings: &[Airing],
    sources: &dyn Sources,
    (from, to): (Timestamp, Timestamp),
    now: Timestamp,
) -> Vec<AsRun> {
    let mut rows: Vec<AsRun> = Vec::new();
    let ends = airings.iter().skip(1).map(|a| Some(a.start)).chain([None]);
    for (airing, next) in airings.iter().zip(ends) {
        if airing.segments == Some(0) || airing.start < from || airing.start >= to {
            continue;
        }
        let part = Part {
            no: airing.no,
            start: airing.start,
            end: end(airing, next, sources),
            source: airing.source.clone(),
            filler: airing.filler,
            hand: airing.hand.as_deref().cloned(),
        };
        match rows.last_mut().filter(|row| row.programme == airing.programme) {
            Some(row) => row.add(part),
            None => rows.push(begun(airing, part, airings)),
        }
    }
    let aired =
        |p: &Programme| airings.iter().any(|a| a.programme.as_ref() == Some(&p.id) && a.segments != Some(0));
    // Before its first airing the channel was not there to miss anything.
    let began = airings.first().filter(|a| a.no == 0).map_or(Timestamp::MIN, |a| a.start);
    let due = |p: &&Programme| p.start >= from.max(began) && p.start < to && p.start <= now;
    let missed = planned.iter().filter(|p| due(p) && !aired(p));
    rows.extend(missed.map(|p| AsRun {
        programme: Some(p.id.clone()),
        planned: Some(p.start),
        titles: p.titles.clone(),
        lateness: None,
        parts: Vec::new(),
    }));
    rows.sort_by_key(|row| row.parts.first().map(|p| p.start).or(row.planned));
    rows
}

impl AsRun {
    /// A slate that begins anew where it ended is one.
    fn add(&mut self, part: Part) {
        match self.parts.last_mut() {
            Some(last) if last.is_slate_of(&part) && last.end == Some(part.start) => last.end = part.end,
            _ => self.parts.push(part),
        }
    }
}

impl Part {
    /// True if both are slates for the same reason.
    fn is_slate_of(&self, other: &Self) -> bool {
        let reason = |part: &Self| match &part.source {
            AiringSource::Slate { reason, .. } => Some((reason.clone(), part.hand.clone())),
            _ => None,
        };
        reason(self).is_some_and(|mine| reason(other) == Some(mine))
    }
}

fn begun(airing: &Airing, part: Part, airings: &[Airing]) -> AsRun {
    let is_its = |a: &&Airing| a.programme == airing.programme && a.segments != Some(0);
    let first = airings.iter().find(is_its).is_some_and(|a| a.no == airing.no);
    let planned = airing.programme.as_ref().filter(|_| first).and_then(ProgrammeId::start);
    AsRun {
        programme: airing.programme.clone(),
        planned,
        titles: airing.titles.clone(),
        lateness: planned.map(|planned| airing.start.duration_since(planned)),
        parts: vec![part],
    }
}

/// When an airing ended. Where its package is gone, the next one's start tells:
/// unless the channel was off between them, which is not known then.
fn end(airing: &Airing, next: Option<Timestamp>, sources: &dyn Sources) -> Option<Timestamp> {
    let last = airing.segments?.checked_sub(1)?;
    place(airing, last, sources).map(|p| p.end()).or(next)
}

#[cfg(test)]
mod tests {
    use super::super::simulation::Run;
    use super::super::testing::*;
    use super::super::{Command, SlateReason};
    use super::*;

    fn rows(run: &Run, from: &str, to: &str) -> Vec<AsRun> {
        let planned = run.plan().between(clock(from), clock(to));
        as_run(&planned, &run.log, &run.world, (clock(from), clock(to)), run.now)
    }

    #[test]
    fn planned_against_played() {
        let world = World::new()
            .lesson(a_lesson("grape", 20_000))
            .relay("national", a_feed(clock("19:59:00")).of(secs(0), 100))
            .slate(SlateReason::Duty, a_slate("duty"));
        let schedule = [
            entry("20:00", Some("20:02"), "play = [\"grape\"]"),
            entry("20:02", Some("20:04"), "relay = \"national\""),
            entry("20:04", Some("20:05"), "play = [\"nowhere\"]"),
        ];
        let mut run = Run::start(world, plan(&schedule.concat()), clock("20:00:02"));
        run.play_until(clock("20:02:50"));
        run.command(Command::Slate, Some(20));
        run.play_until(clock("20:05:30"));
        let rows = rows(&run, "20:00:00", "20:06:00");
        let told: Vec<_> = rows
            .iter()
            .map(|row| {
                let sources = row.parts.iter().map(|p| match &p.source {
                    AiringSource::Lesson { lesson, .. } => lesson.to_string(),
                    AiringSource::Relay { relay, .. } => relay.to_string(),
                    AiringSource::Slate { reason, .. } => format!("{reason:?}"),
                });
                let late = row.lateness.map(|l| l.as_secs());
                (row.planned.map(|p| p.to_string()), late, sources.collect::<Vec<_>>().join(" "))
            })
            .collect();
        let at = |time: &str| Some(clock(time).to_string());
        let next = |t: &str| format!("{:?}", SlateReason::Next(programme(t)));
        let expected = [
            (at("20:00:00"), Some(0), format!("grape {}", next("20:02:00"))),
            (at("20:02:00"), Some(0), "national".to_owned()),
            (None, None, "Duty".to_owned()),
            (None, None, "national".to_owned()),
            (at("20:04:00"), Some(2), "Idle".to_owned()),
            (None, None, "Idle".to_owned()),
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, expected) in told.iter().zip(&expected) {
            assert_eq!(told, expected);
        }
        for pair in rows.iter().flat_map(|r| &r.parts).collect::<Vec<_>>().windows(2) {
            assert_eq!(pair[0].end, Some(pair[1].start), "one after the other");
        }
        assert_eq!(rows[2].parts[0].hand.as_ref().map(|h| h.by.as_str()), Some("gulnar"));
        assert_eq!(rows.last().expect("rows").parts.last().expect("a part").end, None, "on air");
    }

    #[test]
    fn what_did_not_come_on_air_is_told() {
        let world = World::new().lesson(a_lesson("grape", 20_000));
        let schedule = [
            entry("20:00", Some("20:01"), "play = [\"grape\"]"),
            entry("20:02", Some("20:03"), "play = [\"grape\"]"),
            entry("20:05", Some("20:05:30"), "play = [\"grape\"]"),
            entry("20:10", Some("20:11"), "play = [\"grape\"]"),
        ];
        let mut run = Run::start(world, plan(&schedule.concat()), clock("20:01:30"));
        run.play_until(clock("20:01:50"));
        run.crash(secs(100), super::super::simulation::Seen::LastTick, None);
        run.crash(secs(130), super::super::simulation::Seen::LastTick, None);
        run.play_until(clock("20:08:00"));
        let rows = rows(&run, "20:00:00", "20:20:00");
        let missed: Vec<_> = rows.iter().filter(|r| r.parts.is_empty()).map(|r| r.planned).collect();
        assert_eq!(missed, [Some(clock("20:05:00"))]);
    }
}
