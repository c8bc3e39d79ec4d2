//! What the form of a schedule's entry says.

use crate::base::{DAY_NAMES, Lang, LessonId, RelayId};
use crate::schedule::{self, Draft, Lack, When};

use super::request::Form;

/// As typed; of the entry `before`, days or date stay what they are.
pub(super) fn typed(form: &Form, before: Option<&Draft>, languages: &[Lang]) -> Draft {
    let days = || DAY_NAMES.map(|day| form.all("days").any(|d| d == day));
    let weekly = match before {
        Some(before) => matches!(before.when, When::Weekly(_)),
        None => form.get("kind") != "once",
    };
    let mut titles = before.map(|b| b.titles.clone()).unwrap_or_default();
    titles.0.retain(|lang, _| !languages.contains(lang));
    titles.0.extend(form.titles_of("title", languages).0);
    let some = |key: &str| Some(form.get(key).to_owned()).filter(|t| !t.is_empty());
    let follows = form.get("follows") == "1";
    Draft {
        when: if weekly { When::Weekly(days()) } else { When::Once(form.get("date").parse().ok()) },
        except: before.filter(|_| weekly).map(|b| b.except.clone()).unwrap_or_default(),
        start: schedule::time(form.get("start")).filter(|_| !follows),
        follows,
        end: schedule::time(form.get("end")),
        titles,
        lessons: form
            .all("play")
            .map(str::trim)
            .filter(|l| LessonId::new(l).is_ok())
            .map(str::to_owned)
            .collect(),
        relay: some("relay").filter(|r| RelayId::new(r).is_ok()),
        repeat: form.get("repeat") == "1" && some("series").is_some(),
        episodes: form
            .get("episodes")
            .parse()
            .ok()
            .filter(|n| *n != 1 && some("series").is_some())
            .unwrap_or(0),
        series: some("series"),
        keep: form.get("keep") == "1",
        lang: some("lang").and_then(|l| Lang::new(&l).ok()),
    }
}

/// Key of what has to be said of it.
pub(super) fn lack_key(lack: Lack) -> &'static str {
    match lack {
        Lack::Day => "schedule-lacks-day",
        Lack::Date => "schedule-lacks-date",
        Lack::Start => "schedule-lacks-start",
        Lack::Play => "schedule-lacks-play",
        Lack::One => "schedule-lacks-one",
        Lack::Kept => "schedule-lacks-relay",
        Lack::Series => "schedule-lacks-series",
    }
}
