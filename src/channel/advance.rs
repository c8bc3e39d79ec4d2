//! Carrying the timeline on to `now`: what is next, and when it is cut.

use jiff::Timestamp;

use crate::base::{LessonId, RelayId, Titles};
use crate::schedule::{Plan, Play, Programme, ProgrammeId, Slot};

use super::join::{Join, join, stale};
use super::timeline::place;
use super::{Airing, AiringSource, Lineup, SlateReason, Sources, Step, Timeline};

/// A programme found running by more than this is joined in progress; by
/// less, it starts from its beginning (a segment's lateness is normal).
const LATE: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

/// How far in the past a timeline begins: two regular segments.
const BEGIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(8);

/// What should be on air at the cursor.
enum Choice {
    Open { source: AiringSource, first: u64, item: u32 },
    Hold,
}

/// The view on which a decision rests.
struct View<'a> {
    plan: &'a Plan,
    sources: &'a dyn Sources,
    lineup: &'a Lineup,
    now: Timestamp,
}

impl Timeline {
    /// Carries the timeline on: settles every segment that has begun by `now`
    /// and returns the changes of the as-run log in order. The caller stores
    /// them before it publishes this timeline.
    ///
    /// A timeline that has nothing yet, or whose end lies before `resume`,
    /// begins (again) just before `now`.
    pub fn advance(
        &mut self,
        plan: &Plan,
        sources: &dyn Sources,
        lineup: &Lineup,
        now: Timestamp,
        resume: Timestamp,
    ) -> Vec<Step> {
        let view = View { plan, sources, lineup, now };
        let mut steps = Vec::new();
        let begin = now - BEGIN;
        let mut cursor = self.cursor(sources).filter(|c| *c >= resume);
        if cursor.is_none() {
            self.close(&mut steps);
        }
        loop {
            // A timeline begins a little in the past, where a relay joined has
            // its segments already, but never before what was on air last.
            let at = cursor.unwrap_or_else(|| self.cursor(sources).map_or(begin, |end| end.max(begin)));
            if at > now || !self.step(&view, at, &mut steps) {
                return steps;
            }
            cursor = self.cursor(sources);
        }
    }

    /// The schedule changed: the airing on air ends when the new plan says,
    /// though never before `now`. (Programmes that have started stay.)
    pub fn replan(&mut self, plan: &Plan, now: Timestamp) -> Vec<Step> {
        let Some(open) = self.open() else { return Vec::new() };
        let slot = plan.at(now);
        let same = slot.programme.as_ref().map(|p| &p.id) == open.programme.as_ref();
        let until = if same { slot.until } else { now };
        if until == open.until {
            return Vec::new();
        }
        let step = Step::Until { no: open.no, until };
        self.apply(&step);
        vec![step]
    }

    /// One decision at `cursor`; false if there is nothing to decide yet.
    fn step(&mut self, view: &View, cursor: Timestamp, steps: &mut Vec<Step>) -> bool {
        let Some(open) = self.open() else {
            let slot = view.plan.at(cursor);
            return match self.choose(view, &slot, cursor) {
                Choice::Open { source, first, item } => {
                    let airing = self.place_next(slot, cursor, source, first, item);
                    record(self, steps, Step::Open(airing));
                    true
                }
                Choice::Hold => false,
            };
        };
        let goes_on = match &open.source {
            _ if cursor >= open.until => Some(false),
            AiringSource::Lesson { .. } => Some(place(open, self.decided(), view.sources).is_some()),
            AiringSource::Relay { relay, .. } => self.relay_goes_on(view, open, relay),
            AiringSource::Slate { .. } => match self.choose(view, &view.plan.at(cursor), cursor) {
                Choice::Open { source, .. } if !source.is_slate() => Some(false),
                Choice::Open { .. } => Some(place(open, self.decided(), view.sources).is_some()),
                Choice::Hold => None,
            },
        };
        match goes_on {
            Some(true) => self.decide(),
            Some(false) => self.close(steps),
            None => return false,
        }
        true
    }

    fn close(&mut self, steps: &mut Vec<Step>) {
        if let Some(open) = self.open() {
            let step = Step::Close { no: open.no, segments: self.decided() };
            record(self, steps, step);
        }
    }

    /// None: the next segment is still being recorded.
    fn relay_goes_on(&self, view: &View, open: &Airing, relay: &RelayId) -> Option<bool> {
        if place(open, self.decided(), view.sources).is_some() {
            return Some(true);
        }
        let Some(window) = view.sources.window(relay) else { return Some(false) };
        let broken = window.get(open.first + self.decided()).is_some();
        (broken || stale(&window, view.now, view.lineup.slate_after)).then_some(false)
    }

    fn place_next(
        &self,
        slot: Slot,
        start: Timestamp,
        source: AiringSource,
        first: u64,
        item: u32,
    ) -> Airing {
        let last = self.airings().last();
        let continues = last.is_some_and(|last| carries_on(last, self.count(last), &source, first));
        let (programme, titles) = match slot.programme {
            Some(p) => (Some(p.id), p.titles),
            None => (None, Titles::default()),
        };
        Airing {
            no: last.map_or(0, |a| a.no + 1),
            programme,
            item,
            titles,
            source,
            first,
            start,
            base_sequence: self.next_sequence(),
            discontinuities: last.map_or(0, |a| a.discontinuities + u64::from(!continues)),
            continues,
            until: slot.until,
            segments: None,
        }
    }

    fn choose(&self, view: &View, slot: &Slot, cursor: Timestamp) -> Choice {
        let chosen = match slot.programme.as_ref() {
            Some(p) => match &p.play {
                Play::Lessons(lessons) => self.next_lesson(view, p, lessons, cursor),
                Play::Relay(relay) => return self.relay_or_slate(view, relay, cursor),
            },
            None => None,
        };
        chosen.or_else(|| slate(view, next_reason(view.plan, slot))).unwrap_or(Choice::Hold)
    }

    fn relay_or_slate(&self, view: &View, relay: &RelayId, cursor: Timestamp) -> Choice {
        let window = view.sources.window(relay).unwrap_or_default();
        match join(&window, cursor, view.now, view.lineup.slate_after) {
            Join::At(n) => match window.get(n) {
                Some(s) => {
                    let source = AiringSource::Relay {
                        relay: relay.clone(),
                        origin: s.start,
                        generation: s.generation,
                    };
                    Choice::Open { source, first: n, item: 0 }
                }
                None => Choice::Hold,
            },
            Join::Hold => Choice::Hold,
            Join::Dead => slate(view, SlateReason::Lost).unwrap_or(Choice::Hold),
        }
    }

    /// The lesson after the one aired last; at first, the one the clock stands in.
    fn next_lesson(
        &self,
        view: &View,
        p: &Programme,
        lessons: &[LessonId],
        cursor: Timestamp,
    ) -> Option<Choice> {
        let open = |(item, lesson): (usize, &LessonId), first: u64| {
            let asset = view.sources.lesson(lesson)?;
            let source = AiringSource::Lesson { lesson: lesson.clone(), owner: asset.owner.clone() };
            (first < asset.len()).then_some(Choice::Open { source, first, item: item as u32 })
        };
        let mut items = lessons.iter().enumerate();
        if let Some(aired) = self.last_item(&p.id) {
            return items.skip(aired as usize + 1).find_map(|item| open(item, 0));
        }
        let late = cursor.duration_since(p.start);
        if late <= LATE {
            return items.find_map(|item| open(item, 0));
        }
        let mut offset = std::time::Duration::try_from(late).ok()?;
        for item in items {
            let Some(asset) = view.sources.lesson(item.1) else { continue };
            match asset.segment_at(offset) {
                Some(first) => return open(item, first),
                None => offset -= asset.offset(asset.len()),
            }
        }
        None
    }

    /// The item of programme `id` aired last.
    fn last_item(&self, id: &ProgrammeId) -> Option<u32> {
        let same = self.airings().iter().rev().filter(|a| a.programme.as_ref() == Some(id));
        same.filter(|a| matches!(a.source, AiringSource::Lesson { .. })).map(|a| a.item).next()
    }
}

fn record(timeline: &mut Timeline, steps: &mut Vec<Step>, step: Step) {
    timeline.apply(&step);
    steps.push(step);
}

/// True if `source` from segment `first` is what `last` would have played next.
fn carries_on(last: &Airing, count: u64, source: &AiringSource, first: u64) -> bool {
    match (&last.source, source) {
        (
            AiringSource::Relay { relay: a, generation: g, .. },
            AiringSource::Relay { relay: b, generation: h, .. },
        ) => a == b && g == h && last.first + count == first,
        _ => false,
    }
}

/// What the slate of a slot announces.
fn next_reason(plan: &Plan, slot: &Slot) -> SlateReason {
    plan.at(slot.until).programme.map_or(SlateReason::Idle, |p| SlateReason::Next(p.id))
}

fn slate(view: &View, reason: SlateReason) -> Option<Choice> {
    let asset = view.sources.slate(&view.lineup.channel, &reason)?;
    let source = AiringSource::Slate { owner: asset.owner.clone(), reason };
    Some(Choice::Open { source, first: 0, item: 0 })
}
