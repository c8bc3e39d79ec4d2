//! What should be on air at an instant.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::{LessonId, RelayId};
use crate::schedule::{Filler, Plan, Play, Programme, Slot};

use super::join::{Join, join};
use super::timeline::place;
use super::{Airing, AiringSource, Asset, Command, Hand, Lineup, SlateReason, Sources, Timeline};

/// A programme found running by more than this is joined in progress; by
/// less, it starts from its beginning (a segment's lateness is normal).
const LATE: Duration = Duration::from_secs(10);

/// Fillers are aired where the next programme is at most this far.
const FILLED: SignedDuration = SignedDuration::from_hours(2);

/// A command without an end is looked at again after this.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// What should be on air at the cursor.
pub(super) enum Choice {
    Open { source: AiringSource, first: u64, item: u32, filler: bool },
    Hold,
}

/// The view on which a decision rests.
pub(super) struct View<'a> {
    pub(super) plan: &'a Plan,
    pub(super) sources: &'a dyn Sources,
    pub(super) lineup: &'a Lineup,
    pub(super) now: Timestamp,
    pub(super) hand: Option<&'a Hand>,
}

impl View<'_> {
    /// The command that stands in the schedule's place at `t`.
    pub(super) fn in_place(&self, t: Timestamp) -> Option<&Hand> {
        self.hand.filter(|hand| hand.takes_over(t))
    }

    /// What is to be on air at `cursor`: a command, else what the plan says.
    pub(super) fn slot(&self, cursor: Timestamp) -> Slot {
        match self.in_place(cursor) {
            Some(hand) => Slot { programme: None, until: hand.until.unwrap_or(cursor + LONGEST) },
            None => self.plan.at(cursor),
        }
    }

    /// False if `open` has to end at `cursor`: its time is over, or a command
    /// begins or ends.
    pub(super) fn keeps(&self, open: &Airing, cursor: Timestamp) -> bool {
        let due = open.hand.as_ref().filter(|_| open.by_hand());
        let same = due.map(|h| h.since) == self.in_place(cursor).map(|h| h.since);
        let skipped = self.hand.is_some_and(|hand| hand.skips(open.no));
        let held = self.hand.is_some_and(|hand| hand.holds(open, cursor));
        same && !skipped && (cursor < open.until || held)
    }

    /// `offset` into an item, unless that is no more than lateness: then its beginning.
    fn unless_late(&self, offset: Duration) -> Duration {
        // No segment is longer than the target duration.
        let late = LATE.max(Duration::from_secs(self.lineup.target_duration));
        if offset <= late { Duration::ZERO } else { offset }
    }
}

impl Timeline {
    pub(super) fn choose(&self, view: &View, slot: &Slot, cursor: Timestamp) -> Choice {
        match view.in_place(cursor).map(|hand| &hand.command) {
            Some(Command::Relay { relay }) => return self.relay_or_slate(view, relay, cursor),
            // It may end at any moment.
            Some(_) => return slate(view, SlateReason::Duty, SignedDuration::ZERO).unwrap_or(Choice::Hold),
            None => {}
        }
        let chosen = match slot.programme.as_ref() {
            Some(p) => match &p.play {
                Play::Lessons(lessons) => self.next_lesson(view, p, lessons, cursor),
                Play::Relay(relay) => return self.relay_or_slate(view, relay, cursor),
            },
            None => None,
        };
        let room = slot.until.duration_since(cursor);
        let chosen = chosen.or_else(|| self.filler(view, cursor, room));
        chosen.or_else(|| slate(view, next_reason(view.plan, slot), room)).unwrap_or(Choice::Hold)
    }

    /// A filler that fits into `room`, if the next programme is not far: at
    /// night a channel rests. Which one follows from the instant, so that a
    /// restart chooses the same; the one aired last only if no other fits.
    fn filler(&self, view: &View, cursor: Timestamp, room: SignedDuration) -> Option<Choice> {
        if room > FILLED {
            return None;
        }
        let there = |f: &Filler| view.sources.lesson(&f.lesson);
        let all = view.plan.fillers().iter().filter_map(|f| Some((f, there(f)?)));
        let fits = |asset: &Asset| !asset.is_empty() && asset.offset(asset.len()) <= unsigned(room);
        let mut fitting: Vec<_> = all.filter(|(_, asset)| fits(asset)).collect();
        if let Some(AiringSource::Lesson { lesson, .. }) = self.airings().last().map(|a| &a.source)
            && fitting.iter().any(|(f, _)| f.lesson != *lesson)
        {
            fitting.retain(|(f, _)| f.lesson != *lesson);
        }
        let all: u64 = fitting.iter().map(|(f, _)| u64::from(f.weight)).sum();
        let mut lot = scattered(cursor.as_microsecond().unsigned_abs()).checked_rem(all)?;
        let (chosen, asset) = fitting.into_iter().find(|(f, _)| {
            let weight = u64::from(f.weight);
            let mine = lot < weight;
            lot = lot.saturating_sub(weight);
            mine
        })?;
        let source = AiringSource::Lesson { lesson: chosen.lesson.clone(), owner: asset.owner.clone() };
        Some(Choice::Open { source, first: 0, item: 0, filler: true })
    }

    fn relay_or_slate(&self, view: &View, relay: &RelayId, cursor: Timestamp) -> Choice {
        let window = view.sources.window(relay).unwrap_or_default();
        let joined = match self.next_in_line(view, relay, cursor) {
            Some(n) => Join::At(n),
            None => join(&window, cursor, view.now, view.lineup.slate_after),
        };
        match joined {
            Join::At(n) => match window.get(n) {
                Some(s) => {
                    let source = AiringSource::Relay {
                        relay: relay.clone(),
                        origin: s.start,
                        generation: s.generation,
                    };
                    Choice::Open { source, first: n, item: 0, filler: false }
                }
                None => Choice::Hold,
            },
            Join::Hold => Choice::Hold,
            // It may return at any moment.
            Join::Dead => slate(view, SlateReason::Lost, SignedDuration::ZERO).unwrap_or(Choice::Hold),
        }
    }

    /// The segment that carries on what the last airing showed of `relay`:
    /// from one programme to the next of one relay there is no break.
    fn next_in_line(&self, view: &View, relay: &RelayId, cursor: Timestamp) -> Option<u64> {
        let last = self.airings().last()?;
        let same = matches!(&last.source, AiringSource::Relay { relay: r, .. } if r == relay);
        let next = place(last, self.count(last), view.sources)?;
        (same && next.start == cursor).then_some(next.n)
    }

    /// The lesson to play and where in it.
    fn next_lesson(
        &self,
        view: &View,
        p: &Programme,
        lessons: &[LessonId],
        cursor: Timestamp,
    ) -> Option<Choice> {
        let (item, mut offset) = self.position(view, p, lessons, cursor);
        for (item, lesson) in lessons.iter().enumerate().skip(item) {
            let Some(asset) = view.sources.lesson(lesson) else { continue };
            if let Some(first) = asset.segment_at(offset) {
                let source = AiringSource::Lesson { lesson: lesson.clone(), owner: asset.owner.clone() };
                return Some(Choice::Open { source, first, item: item as u32, filler: false });
            }
            offset = view.unless_late(offset.saturating_sub(asset.offset(asset.len())));
        }
        None
    }

    /// Where in its list programme `p` stands: an item and the time into it.
    ///
    /// At first, and after a command stood in its place, where the clock stands. Then after the lesson aired last;
    /// but if that one was on air until the channel stopped, or until its
    /// package was made anew, the clock tells how far it would be by now.
    fn position(
        &self,
        view: &View,
        p: &Programme,
        lessons: &[LessonId],
        cursor: Timestamp,
    ) -> (usize, Duration) {
        let Some((airing, lesson, owner)) = self.last_lesson(p) else {
            return (0, view.unless_late(since(p.start, cursor)));
        };
        let after = self.airings().iter().rev().take_while(|a| a.no > airing.no);
        if after.into_iter().any(Airing::by_hand) {
            return (0, view.unless_late(since(p.start, cursor)));
        }
        let item = airing.item as usize;
        if view.hand.is_some_and(|hand| hand.skips(airing.no)) {
            return (item + 1, Duration::ZERO);
        }
        let last = self.airings().last().is_some_and(|last| last.no == airing.no);
        let current = view.sources.lesson(lesson).filter(|_| last && lessons.get(item) == Some(lesson));
        let aired = |current| view.sources.asset(owner).unwrap_or(current);
        match current.map(aired) {
            Some(asset) => {
                let played = asset.offset(airing.first) + since(airing.start, cursor);
                if played < asset.offset(asset.len()) { (item, played) } else { (item + 1, Duration::ZERO) }
            }
            None => (item + 1, Duration::ZERO),
        }
    }

    /// The lesson of `p` aired last.
    fn last_lesson(&self, p: &Programme) -> Option<(&Airing, &LessonId, &str)> {
        // What began before the programme is not of it: the log is not searched to its end.
        let recent = self.airings().iter().rev().take_while(|a| a.start >= p.start);
        let mut own = recent.filter(|a| a.programme.as_ref() == Some(&p.id) && !a.filler);
        own.find_map(|a| match &a.source {
            AiringSource::Lesson { lesson, owner } => Some((a, lesson, owner.as_str())),
            _ => None,
        })
    }
}

/// A number in which every bit of `n` has its say: SplitMix64's finaliser
/// (Steele, Lea and Flood 2014).
fn scattered(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn since(start: Timestamp, cursor: Timestamp) -> Duration {
    unsigned(cursor.duration_since(start))
}

fn unsigned(d: SignedDuration) -> Duration {
    Duration::try_from(d).unwrap_or_default()
}

/// What the slate of a slot announces.
fn next_reason(plan: &Plan, slot: &Slot) -> SlateReason {
    plan.at(slot.until).programme.map_or(SlateReason::Idle, |p| SlateReason::Next(p.id))
}

/// The slate for `reason`: in regular segments if one ends within `room`, else in short ones.
fn slate(view: &View, reason: SlateReason, room: SignedDuration) -> Option<Choice> {
    let slate = view.sources.slate(&view.lineup.channel, &reason)?;
    let fits = unsigned(room) >= slate.regular.offset(1);
    let asset = Some(if fits { slate.regular } else { slate.short }).filter(|a| !a.is_empty())?;
    let source = AiringSource::Slate { owner: asset.owner.clone(), reason };
    Some(Choice::Open { source, first: 0, item: 0, filler: false })
}
