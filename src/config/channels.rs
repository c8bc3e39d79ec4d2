//! `[[channel]]`.

use std::time::Duration;

use super::{Channel, Unique, once_each, within};
use crate::base::document::{At, Document, Fields};
use crate::base::{ChannelId, Fault, Lang, Titles};

/// The channels in the order of their numbers.
pub(super) fn read(doc: &Document<'_>, root: &Fields<'_, '_>) -> Vec<Channel> {
    let mut ids = Unique::new("channel");
    let mut numbers = Unique::new("channel number");
    let tables = root.tables("channel");
    if tables.is_empty() {
        doc.problem(root.at, Fault::Missing, "there is no channel: add a [[channel]] table");
    }
    let mut channels: Vec<Channel> =
        tables.into_iter().filter_map(|f| channel(doc, f, &mut ids, &mut numbers)).collect();
    channels.sort_by_key(|c| c.number);
    channels
}

fn channel(
    doc: &Document<'_>,
    f: Fields<'_, '_>,
    ids: &mut Unique<ChannelId>,
    numbers: &mut Unique<u32>,
) -> Option<Channel> {
    let id = f.required::<ChannelId>("id", "its identifier, such as \"xiangtu\"");
    let number = f.required::<u32>("number", "its number on the remote control");
    let names = f.required::<Titles>("name", "its name, such as { zh-Hans = \"…\" }");
    let lang = f.required::<Lang>("lang", "its own language, such as \"zh-Hans\"");
    let audio = f.optional::<Vec<At<Lang>>>("audio");
    let subtitles = f.optional::<Vec<At<Lang>>>("subtitles");
    let second = Duration::from_secs(1);
    // Six of the 3.84 s segments that a live playlist lists at the least (media.md, rule 6).
    let window = within(
        doc,
        f.or("window", 60 * second),
        24 * second,
        3600 * second,
        "a player needs six segments to start",
    );
    let slate_after = within(
        doc,
        f.or("slate_after", 8 * second),
        4 * second,
        600 * second,
        "a segment alone takes nearly 4 s",
    );
    let max_gap = f.or("max_gap", 1800 * second).value;
    let outputs = super::output::outputs(doc, f.optional::<Vec<At<String>>>("outputs"));
    f.close();
    if let Some(number) = &number {
        numbers.claim(doc, number);
        within(doc, number.clone(), 1, 9999, "a remote control has four digits");
    }
    let id = id?;
    ids.claim(doc, &id);
    let lang = lang?.value;
    Some(Channel {
        id: id.value,
        number: number?.value,
        names: names.map(|n| n.value).unwrap_or_default(),
        audio: audio_languages(doc, audio, &lang),
        subtitles: subtitles.map(|s| once_each(doc, "subtitle language", s.value)).unwrap_or_default(),
        lang,
        window,
        slate_after,
        max_gap,
        outputs,
    })
}

fn audio_languages(doc: &Document<'_>, given: Option<At<Vec<At<Lang>>>>, own: &Lang) -> Vec<Lang> {
    let Some(given) = given else { return vec![own.clone()] };
    if given.value.is_empty() {
        doc.problem(given.at, Fault::Empty, "no audio languages: list at least one, the default first");
    }
    once_each(doc, "audio language", given.value)
}
