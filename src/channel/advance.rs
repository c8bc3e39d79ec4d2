//! Carrying the timeline on to `now`: what is next, and when it is cut.

use jiff::{SignedDuration, Timestamp};

use crate::base::{RelayId, Titles};
use crate::schedule::{Plan, Slot};

use super::choose::{Choice, View};
use super::join::stale;
use super::timeline::place;
use super::{Airing, AiringSource, Hand, Lineup, Placed, Sources, Step, Timeline};

/// How far in the past a timeline begins: two regular segments.
const BEGIN: SignedDuration = SignedDuration::from_secs(8);

impl Timeline {
    /// Carries the timeline on: settles every segment that has begun by `now`
    /// and returns the changes of the as-run log in order. The caller stores
    /// them before it publishes this timeline.
    ///
    /// A timeline that has nothing yet, or whose end lies before `resume`,
    /// begins (again) just before `now`.
    pub fn advance(
        &mut self,
        (plan, hand): (&Plan, Option<&Hand>),
        sources: &dyn Sources,
        lineup: &Lineup,
        now: Timestamp,
        resume: Timestamp,
    ) -> Vec<Step> {
        let view = View { plan, sources, lineup, now, hand };
        let mut steps = Vec::new();
        let mut cursor = self.cursor().filter(|c| *c >= resume);
        if cursor.is_none() {
            self.close(&mut steps);
        }
        // This ends: an airing has finitely many segments at hand, and none
        // opens but later than the one before it. An airing that came to
        // nothing, because its source vanished, waits for the next call.
        let mut opened = None;
        loop {
            let at = cursor.unwrap_or_else(|| self.beginning(&view));
            let again = self.open().is_none() && opened.replace(at) >= Some(at);
            if again || at > now || !self.step(&view, at, &mut steps) {
                return steps;
            }
            cursor = self.cursor();
        }
    }

    /// A timeline begins a little in the past, where a relay joined has its
    /// segments already, but never before what was on air last.
    fn beginning(&self, view: &View) -> Timestamp {
        let begin = view.now - BEGIN;
        let last = self.cursor().or_else(|| self.airings().last().map(|a| a.start));
        last.map_or(begin, |last| last.max(begin))
    }

    /// The schedule changed. What is on air ends when the new plan says if that
    /// goes on with its programme. Else it ends as it was to, since a programme
    /// that has started stays: but not after the next start of the new plan.
    pub fn replan(&mut self, plan: &Plan, now: Timestamp) -> Vec<Step> {
        // What stands there by hand is not the schedule's to move.
        let Some(open) = self.open().filter(|open| !open.by_hand()) else { return Vec::new() };
        // An end that has passed, though the airing was not carried on to it
        // yet, moves only if the new plan goes on with the programme there.
        let at = open.until.min(now);
        let slot = plan.at(at);
        let same = slot.programme.as_ref().map(|p| &p.id) == open.programme.as_ref();
        let until = if same { slot.until } else { open.until.min(next_start(plan, &slot, now)) };
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
            let slot = view.slot(cursor);
            return match self.choose(view, &slot, cursor) {
                Choice::Open { source, first, item, filler } => {
                    let airing = self.place_next(view, slot, cursor, (source, first, item, filler));
                    record(self, steps, Step::Open(airing));
                    true
                }
                Choice::Hold => false,
            };
        };
        let next = place(open, self.decided(), view.sources);
        let passes = |next: Placed| next.end() > open.until;
        let goes_on = match &open.source {
            _ if !view.keeps(open, cursor) => Some(None),
            AiringSource::Lesson { owner, .. } if view.sources.is_taken_back(owner) => Some(None),
            AiringSource::Lesson { .. } => Some(next),
            AiringSource::Relay { relay, .. } => match next {
                Some(next) => Some(Some(next)),
                None => self.relay_is_over(view, open, relay).then_some(None),
            },
            AiringSource::Slate { .. } => match self.choose(view, &view.slot(cursor), cursor) {
                Choice::Open { source, .. } if !source.is_slate() => Some(None),
                // Something else is to be announced, or it has just been drawn.
                Choice::Open { source, .. } if source.slate() != open.source.slate() => Some(None),
                // Too long for what is left before the next programme.
                Choice::Open { source, .. } if source != open.source && next.is_some_and(passes) => {
                    Some(None)
                }
                Choice::Open { .. } => Some(next),
                Choice::Hold => None,
            },
        };
        match goes_on {
            Some(Some(next)) => self.decide(next),
            Some(None) => self.close(steps),
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

    /// False while the next segment is still being recorded.
    fn relay_is_over(&self, view: &View, open: &Airing, relay: &RelayId) -> bool {
        let Some(window) = view.sources.window(relay) else { return true };
        let broken = window.get(open.first + self.decided()).is_some();
        broken || stale(&window, view.now, view.lineup.slate_after)
    }

    fn place_next(
        &self,
        view: &View,
        slot: Slot,
        start: Timestamp,
        (source, first, item, filler): (AiringSource, u64, u32, bool),
    ) -> Airing {
        let last = self.airings().last();
        // The break before an airing that came to nothing was never listed:
        // it is still to come.
        let pending = last.is_some_and(|last| self.count(last) == 0 && !last.continues);
        let continues =
            last.is_some_and(|last| carries_on(last, self.count(last), &source, first)) && !pending;
        let (programme, titles, lang) = match slot.programme {
            Some(p) => (Some(p.id), p.titles, p.lang),
            None => (None, Titles::default(), None),
        };
        Airing {
            no: last.map_or(0, |a| a.no + 1),
            programme,
            item,
            filler,
            titles,
            lang,
            source,
            first,
            start,
            base_sequence: self.next_sequence(),
            discontinuities: last.map_or(0, |a| a.discontinuities + u64::from(!continues && !pending)),
            continues,
            until: slot.until,
            segments: None,
            hand: view.hand.filter(|hand| hand.leads_to(last, start)).cloned().map(Box::new),
        }
    }
}

/// The first start after `now`, of which `slot` covers an instant before.
fn next_start(plan: &Plan, slot: &Slot, now: Timestamp) -> Timestamp {
    // What runs already began in the past: only what begins later cuts in.
    let mut until = slot.until;
    while until <= now {
        until = plan.at(until).until;
    }
    match plan.at(until).programme.filter(|p| p.start == until) {
        Some(next) => next.start,
        None => plan.at(until).until,
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
