//! What the person on duty has to do something about.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::base::{DiskSpace, LessonId, Titles};
use crate::channel::{AiringSource, SlateReason};
use crate::config::{Channel, Relay};
use crate::courseware::Package;
use crate::portal::i18n;
use crate::portal::state::Portal;
use crate::portal::views::{Alarm, PageContext};
use crate::schedule::Play;

use super::duty::LATE;

/// Lessons that are missing are told so long before they are due.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// Less than this of a disk is too little, in a hundred.
const LEAST_FREE: u64 = 5;

impl Portal {
    /// The alarms, the worst first.
    pub(super) async fn alarms(&self, ctx: &PageContext<'_>) -> Vec<Alarm> {
        let county = self.county.load_full();
        let mut alarms = Vec::new();
        let folders = [county.data.clone(), county.media.clone()];
        // A disk that hangs holds up nobody else.
        let disks = tokio::task::spawn_blocking(move || folders.map(|folder| DiskSpace::of(&folder)));
        for disk in disks.await.unwrap_or_default() {
            let full = disk.filter(|disk| disk.free * 100 < disk.all * LEAST_FREE);
            let said = full.map(|disk| ctx.t1("alarm-disk", "free", in_gigabytes(disk.free)));
            let alarm = said.map(|said| Alarm { href: None, names: Titles::default(), said });
            // Both may lie on one disk.
            alarms.extend(alarm.filter(|alarm| !alarms.contains(alarm)));
        }
        alarms.extend(self.damaged(ctx));
        alarms.extend(county.channels.iter().filter_map(|c| self.lost(ctx, c)));
        alarms.extend(county.relays.iter().filter_map(|r| self.no_signal(ctx, r)));
        alarms.extend(county.channels.iter().filter_map(|c| self.mistaken(ctx, c)));
        alarms.extend(county.channels.iter().filter_map(|c| self.missing(ctx, c)));
        alarms
    }

    /// A relay has no picture where one is planned.
    fn lost(&self, ctx: &PageContext<'_>, channel: &Channel) -> Option<Alarm> {
        let timeline = self.channels.get(&channel.id)?.timeline();
        let open = timeline.open()?;
        let AiringSource::Slate { reason: SlateReason::Lost, .. } = &open.source else { return None };
        let said = ctx.t1("alarm-lost", "time", clock(ctx, open.start));
        Some(about(channel, format!("/office/duty/{}", channel.id), said))
    }

    /// Lessons whose bytes are not those they were made with.
    fn damaged(&self, ctx: &PageContext<'_>) -> Vec<Alarm> {
        let catalogue = self.library.catalogue();
        let alarm = |(id, package): (&LessonId, &Arc<Package>)| Alarm {
            href: Some(format!("/office/lessons/{id}/review")),
            names: Titles::default(),
            said: ctx.t1("alarm-damaged", "name", ctx.plain(&package.manifest.titles)),
        };
        catalogue.damaged().map(alarm).collect()
    }

    fn no_signal(&self, ctx: &PageContext<'_>, relay: &Relay) -> Option<Alarm> {
        let running = self.sources.relays();
        let handle = running.get(&relay.id)?;
        let name = ctx.plain(&relay.names);
        let end = handle.window.load().newest().map(|s| s.end());
        let said = match end {
            Some(end) if ctx.now.duration_since(end) <= LATE => {
                (handle.health.load().source > 0).then(|| ctx.t1("alarm-backup", "name", &name))?
            }
            _ => {
                let since = end.map_or_else(|| "–".to_owned(), |end| clock(ctx, end));
                i18n::text(ctx.lang, "alarm-relay", &[("name", &*name), ("time", &*since)])
            }
        };
        Some(Alarm { href: None, names: Titles::default(), said })
    }

    /// Its schedule cannot be taken as it stands.
    fn mistaken(&self, ctx: &PageContext<'_>, channel: &Channel) -> Option<Alarm> {
        let refused = self.refused.load();
        refused
            .contains(&channel.id)
            .then(|| about(channel, format!("/office/schedule/{}", channel.id), ctx.t("alarm-schedule")))
    }

    /// The first lesson that is planned soon and is not there.
    fn missing(&self, ctx: &PageContext<'_>, channel: &Channel) -> Option<Alarm> {
        let catalogue = self.library.catalogue();
        let plans = self.plans.load();
        let programmes = plans.get(&channel.id)?.between(ctx.now, ctx.now + AHEAD);
        let gone = |play: &Play| match play {
            Play::Lessons(all) => all.iter().find(|l| catalogue.lesson(l).is_none()).cloned(),
            Play::Relay(_) => None,
        };
        let (start, lesson): (Timestamp, LessonId) =
            programmes.iter().find_map(|p| Some((p.start, gone(&p.play)?)))?;
        let (time, name) = (clock(ctx, start), lesson.to_string());
        let said = i18n::text(ctx.lang, "alarm-missing", &[("time", &*time), ("name", &*name)]);
        Some(about(channel, format!("/office/schedule/{}", channel.id), said))
    }
}

fn about(channel: &Channel, href: String, said: String) -> Alarm {
    Alarm { href: Some(href), names: channel.names.clone(), said }
}

/// Day and time, as figures.
fn clock(ctx: &PageContext<'_>, at: Timestamp) -> String {
    at.to_zoned_datetime(ctx.tz.clone()).strftime("%m-%d %H:%M").to_string()
}

fn in_gigabytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is rounded to a tenth of a gigabyte")]
    let gigabytes = bytes as f64 / 1e9;
    format!("{gigabytes:.1} GB")
}
