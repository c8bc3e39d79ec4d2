//! Which slates are needed, and what each shows. Knows no clock and no disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::base::{ChannelId, Lang, LessonId};
use crate::channel::SlateReason;
use crate::config::{Channel, County};
use crate::courseware::Catalogue;
use crate::guide::{SlateText, slate_labels, slate_svg};
use crate::schedule::{Plan, Plans, Play, Programme, ProgrammeId};

/// Slates are made this long before they may be needed.
const AHEAD: SignedDuration = SignedDuration::from_mins(15);
/// How far the next programme is looked for.
const HORIZON: SignedDuration = SignedDuration::from_hours(24);
/// A list without a change ahead is made anew after this.
const AT_LATEST: SignedDuration = SignedDuration::from_hours(6);
/// Programmes announced below the next one.
const LATER: usize = 3;

/// A slate to be: its pictures decide its name, so the same slate is made once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Which slate it is.
    pub(super) key: (ChannelId, SlateReason),
    /// Its identifier, a folder name.
    pub(super) id: String,
    /// One picture for each language that the channel speaks, its own first.
    pub(super) pictures: Vec<String>,
    /// The channel's own language.
    pub(super) lang: Lang,
}

/// The slates that are needed, the most urgent first.
///
/// What is drawn for a channel stays until its plan, the lessons or the county
/// change, or until another programme comes near: a thousand channels cost
/// what changes on them.
#[derive(Debug, Default)]
pub(super) struct SlateList {
    made_of: Option<(Arc<County>, Arc<Catalogue>)>,
    channels: BTreeMap<ChannelId, Announced>,
    /// For when nothing is planned, of every channel.
    idle: Vec<Arc<Wanted>>,
    /// For when a signal is lost.
    lost: Vec<Arc<Wanted>>,
}

/// The announcements of one channel.
#[derive(Debug)]
struct Announced {
    plan: Arc<Plan>,
    /// The programme that the channel asked for, though none was foreseen.
    asked: Option<ProgrammeId>,
    until: Timestamp,
    wanted: Vec<Arc<Wanted>>,
}

impl SlateList {
    /// Brings the list up to `now`; true if it is another one than before.
    /// `asked` are the programmes that channels announce at this moment.
    pub(super) fn update(
        &mut self,
        county: &Arc<County>,
        library: &Arc<Catalogue>,
        plans: &Plans,
        asked: &BTreeMap<ChannelId, ProgrammeId>,
        now: Timestamp,
    ) -> bool {
        let same = |(c, l): &(Arc<County>, Arc<Catalogue>)| Arc::ptr_eq(c, county) && Arc::ptr_eq(l, library);
        let mut changed = !self.made_of.as_ref().is_some_and(same);
        if changed {
            self.channels.clear();
            self.idle = plain_ones(county, &SlateReason::Idle);
            self.lost = plain_ones(county, &SlateReason::Lost);
            self.made_of = Some((Arc::clone(county), Arc::clone(library)));
        }
        let there = self.channels.len();
        self.channels.retain(|id, _| plans.contains_key(id));
        changed |= self.channels.len() != there;
        for channel in &county.channels {
            let Some(plan) = plans.get(&channel.id) else { continue };
            let asked = asked.get(&channel.id);
            let stands = |a: &Announced| {
                let foreseen = |id: &ProgrammeId| {
                    a.asked.as_ref() == Some(id) || a.wanted.iter().any(|w| w.key.1.announces(id))
                };
                Arc::ptr_eq(&a.plan, plan) && now < a.until && asked.is_none_or(foreseen)
            };
            if self.channels.get(&channel.id).is_some_and(stands) {
                continue;
            }
            let (wanted, until) = announcements(county, library, channel, plan, asked, now);
            let wanted: Vec<_> = wanted.into_iter().map(Arc::new).collect();
            let plan = Arc::clone(plan);
            let announced = Announced { plan, asked: asked.cloned(), until, wanted };
            changed |= self.channels.get(&channel.id).is_none_or(|old| old.wanted != announced.wanted);
            self.channels.insert(channel.id.clone(), announced);
        }
        changed
    }

    /// All of them.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &Arc<Wanted>> {
        self.idle.iter().chain(self.channels.values().flat_map(|a| &a.wanted)).chain(&self.lost)
    }

    /// Which slate serves what.
    pub(super) fn uses(&self) -> BTreeMap<(ChannelId, SlateReason), String> {
        self.wanted().map(|w| (w.key.clone(), w.id.clone())).collect()
    }

    /// Their identifiers.
    pub(super) fn ids(&self) -> BTreeSet<&str> {
        self.wanted().map(|w| w.id.as_str()).collect()
    }
}

/// The slate of every channel that announces nothing.
fn plain_ones(county: &County, reason: &SlateReason) -> Vec<Arc<Wanted>> {
    let label = |lang: &Lang| {
        let (_, stay, lost) = slate_labels(lang);
        if *reason == SlateReason::Lost { lost } else { stay }
    };
    let slate = |channel: &Channel| {
        let words = |lang: &Lang| text(channel, lang, label(lang), None, Vec::new());
        Arc::new(wanted(channel, reason.clone(), words))
    };
    county.channels.iter().map(slate).collect()
}

/// The slates of the gaps that begin before `now` + [`AHEAD`], and until when
/// these are the ones.
fn announcements(
    county: &County,
    library: &Catalogue,
    channel: &Channel,
    plan: &Plan,
    asked: Option<&ProgrammeId>,
    now: Timestamp,
) -> (Vec<Wanted>, Timestamp) {
    let programmes = plan.between(now, now + AHEAD + HORIZON);
    let coming = programmes.iter().position(|p| p.start > now).unwrap_or(programmes.len());
    let near = |p: &Programme| p.start < now + AHEAD;
    let soon = programmes[coming..].iter().take_while(|p| near(p)).count();
    // The next one, however far, may be announced at once.
    let soon = coming..(coming + soon.max(1)).min(programmes.len());
    let changes = programmes[coming..].iter().flat_map(|p| [p.start - AHEAD, p.start]);
    let until = changes.filter(|t| *t > now).min().unwrap_or(Timestamp::MAX).min(now + AT_LATEST);
    let length = |id: &LessonId| library.lesson(id).map(|p| p.manifest.duration()).unwrap_or_default();
    let is_asked = |i: usize| asked == Some(&programmes[i].id);
    let needed = |i: &usize| {
        is_asked(*i) || leaves_a_gap(i.checked_sub(1).map(|b| &programmes[b]), &programmes[*i], &length)
    };
    let announce = |i: usize| {
        let next = &programmes[i];
        let words = |lang: &Lang| {
            let (label, ..) = slate_labels(lang);
            let later = programmes[i + 1..].iter().take(LATER).map(|p| line(county, lang, p)).collect();
            text(channel, lang, label, Some(line(county, lang, next)), later)
        };
        wanted(channel, SlateReason::Next(next.id.clone()), words)
    };
    (soon.filter(needed).map(announce).collect(), until)
}

/// True if `before` does not last until `next` starts, as far as can be foreseen.
fn leaves_a_gap(
    before: Option<&Programme>,
    next: &Programme,
    length: &dyn Fn(&LessonId) -> std::time::Duration,
) -> bool {
    let Some(before) = before else { return true };
    let room = next.start.duration_since(before.start);
    let ends_early = before.end.is_some_and(|end| end < next.start);
    ends_early
        || match &before.play {
            // A relay that is lost has a slate of its own.
            Play::Relay(_) => false,
            Play::Lessons(lessons) => {
                let played: std::time::Duration = lessons.iter().map(length).sum();
                SignedDuration::try_from(played).is_ok_and(|played| played < room)
            }
        }
}

fn text(
    channel: &Channel,
    lang: &Lang,
    label: &str,
    next: Option<(String, String)>,
    later: Vec<(String, String)>,
) -> SlateText {
    let name = channel.names.best(lang).map(|(_, n)| n.to_owned()).unwrap_or_default();
    SlateText { lang: lang.clone(), channel: name, label: label.to_owned(), next, later, note: None }
}

fn line(county: &County, lang: &Lang, p: &Programme) -> (String, String) {
    let time = p.start.to_zoned_datetime(county.tz.clone()).strftime("%H:%M").to_string();
    (time, p.titles.best(lang).map(|(_, t)| t.to_owned()).unwrap_or_default())
}

/// A slate with a picture for each language the channel is heard in.
fn wanted(channel: &Channel, reason: SlateReason, words: impl Fn(&Lang) -> SlateText) -> Wanted {
    let others = channel.audio.iter().filter(|l| **l != channel.lang);
    let pictures: Vec<String> =
        [&channel.lang].into_iter().chain(others).map(|l| slate_svg(&words(l))).collect();
    let mut hash = Sha256::new();
    pictures.iter().for_each(|p| hash.update(p.as_bytes()));
    let id = format!("slate-{}", hex::encode(&hash.finalize()[..8]));
    Wanted { key: (channel.id.clone(), reason), id, pictures, lang: channel.lang.clone() }
}
