//! A simulated channel: it ticks, is polled, crashes and gets new plans.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::hls::MediaPlaylist;
use crate::schedule::Plan;

use super::testing::{World, lineup, ms};
use super::{
    Airing, Command, Hand, Headers, Lineup, Placed, Rendition, Step, Timeline, Window, media_playlist,
};

/// How often the timeline is carried on.
pub(super) const TICK: SignedDuration = SignedDuration::from_millis(250);
/// A timeline that stopped longer ago begins anew.
pub(super) const RESUME: SignedDuration = SignedDuration::from_secs(120);

/// The live playlist of every rendition at one instant.
#[derive(Debug)]
pub(super) struct Poll {
    pub(super) now: Timestamp,
    pub(super) playlists: BTreeMap<Rendition, MediaPlaylist>,
}

impl Poll {
    /// The playlist of the best picture; all agree (a property says so).
    pub(super) fn best(&self) -> &MediaPlaylist {
        &self.playlists[&Rendition::Video(720)]
    }
}

/// A channel that runs on simulated time.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) world: World,
    pub(super) lineup: Lineup,
    pub(super) now: Timestamp,
    pub(super) timeline: Timeline,
    /// The as-run log as the store has it.
    pub(super) log: Vec<Airing>,
    pub(super) polls: Vec<Poll>,
    /// The plans by the instant from which each was in force.
    pub(super) plans: Vec<(Timestamp, Plan)>,
    /// When it was down.
    pub(super) stops: Vec<(Timestamp, Timestamp)>,
    /// The commands in the order in which they were given.
    pub(super) hands: Vec<Hand>,
}

/// How sure a restarted channel is of what was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The last tick was stored.
    LastTick,
    /// It was not: all that might have been published by now counts.
    Now,
}

impl Run {
    /// A channel that starts at `now` with nothing on air.
    pub(super) fn start(mut world: World, plan: Plan, now: Timestamp) -> Self {
        world.go_to(now);
        let mut run = Self {
            world,
            lineup: lineup(),
            now,
            timeline: Timeline::default(),
            log: Vec::new(),
            polls: Vec::new(),
            plans: vec![(now, plan)],
            stops: Vec::new(),
            hands: Vec::new(),
        };
        run.tick();
        run
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plans.last().expect("never empty").1
    }

    /// Somebody gives a command.
    pub(super) fn command(&mut self, command: Command, for_secs: Option<i64>) {
        let until = for_secs.map(|s| self.now + SignedDuration::from_secs(s));
        self.hands.push(Hand { command, since: self.now, until, by: "gulnar".into() });
    }

    fn store(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Open(airing) => self.log.push(airing.clone()),
                Step::Close { no, segments } => self.log[*no as usize].segments = Some(*segments),
                Step::Until { no, until } => self.log[*no as usize].until = *until,
            }
        }
    }

    fn tick(&mut self) {
        self.world.go_to(self.now);
        let (_, plan) = self.plans.last().expect("never empty");
        let steps = self.timeline.advance(
            (plan, self.hands.last()),
            &self.world,
            &self.lineup,
            self.now,
            self.now - RESUME,
        );
        self.store(&steps);
        // A step may reach back to the airing before the last.
        let (told, there) = (self.log.len().saturating_sub(3), self.timeline.airings());
        assert_eq!(there[told.min(there.len())..], self.log[told..], "the steps tell all that changed");
    }

    /// Ticks until `instant`.
    pub(super) fn play_until(&mut self, instant: Timestamp) {
        while self.now + TICK <= instant {
            self.now += TICK;
            self.tick();
        }
    }

    /// Nothing ticks for a while; the process lives and serves on.
    pub(super) fn pause(&mut self, length: SignedDuration) {
        self.now += length;
        self.tick();
    }

    /// The process dies and another begins after `down`, with `plan` if the
    /// schedule changed meanwhile.
    pub(super) fn crash(&mut self, down: SignedDuration, seen: Seen, plan: Option<Plan>) {
        let died = self.now;
        self.now += down;
        self.stops.push((died, self.now));
        self.world.go_to(self.now);
        let seen = if seen == Seen::Now && down < RESUME { self.now } else { died };
        self.timeline = Timeline::restore(self.log.clone(), &self.world, self.hands.last(), seen);
        let plan = plan.unwrap_or_else(|| self.plan().clone());
        self.reload(plan);
        self.tick();
    }

    /// The schedule changes.
    pub(super) fn reload(&mut self, plan: Plan) {
        let steps = self.timeline.replan(&plan, self.now);
        self.store(&steps);
        self.plans.push((self.now, plan));
    }

    /// Asks for the live playlists a little after the last tick.
    pub(super) fn poll(&mut self, later: SignedDuration) {
        let now = self.now + later;
        let playlist = |r: Rendition| self.playlist(&r, Window::Live, now).map(|p| (r, p));
        let playlists: BTreeMap<_, _> = self.lineup.renditions().filter_map(playlist).collect();
        if !playlists.is_empty() {
            self.polls.push(Poll { now, playlists });
        }
    }

    pub(super) fn playlist(
        &self,
        rendition: &Rendition,
        window: Window,
        now: Timestamp,
    ) -> Option<MediaPlaylist> {
        media_playlist(
            &self.timeline,
            &self.world,
            &self.lineup,
            rendition,
            window,
            now,
            ("", Headers::Apart),
        )
    }

    /// Every settled segment in order.
    pub(super) fn placed(&self) -> Vec<(&Airing, Placed)> {
        let of = |a| {
            let mut placed: Vec<_> = self.timeline.placed_rev(a, &self.world).map(|p| (a, p)).collect();
            placed.reverse();
            placed
        };
        self.timeline.airings().iter().flat_map(of).collect()
    }

    /// The airings in short: `20:00:00 lesson grape 0..12` for each.
    pub(super) fn story(&self) -> Vec<String> {
        self.timeline.airings().iter().map(|a| self.line(a)).collect()
    }

    fn line(&self, a: &Airing) -> String {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
        let start = (a.start + ms(5)).to_zoned_datetime(zone).strftime("%H:%M:%S%.2f").to_string();
        let what = match &a.source {
            super::AiringSource::Lesson { lesson, .. } => format!("lesson {lesson}"),
            super::AiringSource::Relay { relay, .. } => format!("relay {relay}"),
            super::AiringSource::Slate { owner, .. } => {
                owner.rsplit_once('.').expect("with a hash").0.to_owned()
            }
        };
        let open = if a.segments.is_none() { "…" } else { "" };
        format!("{start} {what} {}..{}{open}", a.first, a.first + self.timeline.count(a))
    }
}
