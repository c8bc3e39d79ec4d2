//! The channel list that television players read.

use std::fmt::Write;

use super::ChannelInfo;
use super::xmltv::tv_id;

/// The list of `channels`, which players join with the guide by `tvg-id`.
/// `base_url` is the server's address without a slash at the end; `carried` are
/// the parameters of every address, such as `lang=ug-Arab`, or nothing. Players
/// offer to catch up `days` back.
pub fn m3u(channels: &[ChannelInfo], base_url: &str, carried: &str, days: i64) -> String {
    let first = if carried.is_empty() { "?" } else { "&" };
    let past = [
        ("catchup", "append".to_owned()),
        ("catchup-days", days.to_string()),
        // The player appends it to the address, with the seconds since 1970.
        ("catchup-source", format!("{first}from=${{start}}&to=${{end}}")),
    ];
    list(channels, base_url, &past, |channel| {
        address(base_url, &format!("{}/index.m3u8", channel.id), carried)
    })
}

/// The same with streams of MPEG-TS that have no end, and no past.
pub fn streams(channels: &[ChannelInfo], base_url: &str, carried: &str) -> String {
    list(channels, base_url, &[], |channel| address(base_url, &format!("{}.ts", channel.id), carried))
}

fn address(base_url: &str, name: &str, carried: &str) -> String {
    let mark = if carried.is_empty() { "" } else { "?" };
    format!("{base_url}/channels/{name}{mark}{carried}")
}

fn list(
    channels: &[ChannelInfo],
    base_url: &str,
    past: &[(&'static str, String)],
    address: impl Fn(&ChannelInfo) -> String,
) -> String {
    let base = attribute(base_url);
    let mut out = format!("#EXTM3U url-tvg=\"{base}/guide.xml\" x-tvg-url=\"{base}/guide.xml\"\n");
    for channel in channels {
        entry(&mut out, channel, past, &address(channel));
    }
    out
}

fn entry(out: &mut String, channel: &ChannelInfo, past: &[(&'static str, String)], address: &str) {
    let name = channel.names.best(&channel.lang).map_or(channel.id.as_str(), |(_, name)| name);
    let group = attribute(channel.lang.own_name());
    let mut attributes = vec![
        ("tvg-id", tv_id(&channel.id)),
        ("tvg-name", attribute(name)),
        ("tvg-chno", channel.number.to_string()),
        ("tvg-language", channel.lang.iso639().to_owned()),
        ("group-title", group),
    ];
    attributes.extend(channel.logo.as_ref().map(|logo| ("tvg-logo", attribute(logo))));
    attributes.extend(past.iter().cloned());
    out.push_str("#EXTINF:-1");
    for (key, value) in attributes {
        // Writing to a String cannot fail.
        let _ = write!(out, " {key}=\"{value}\"");
    }
    let title: String = name.chars().filter(|c| !c.is_control()).collect();
    let _ = writeln!(out, ",{title}\n{address}");
}

/// Something with an end that a player is to play.
#[derive(Debug, Clone)]
pub struct Track {
    /// How long it is.
    pub seconds: u64,
    /// What it is called.
    pub title: String,
    /// Where it is.
    pub address: String,
}

/// A list of tracks, which players play one after another.
pub fn playlist(tracks: impl IntoIterator<Item = Track>) -> String {
    let mut out = "#EXTM3U\n".to_owned();
    for track in tracks {
        let title: String = track.title.chars().filter(|c| !c.is_control()).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "#EXTINF:{},{title}\n{}", track.seconds, track.address);
    }
    out
}

/// M3U knows no escapes: what would end the value is replaced or left out.
fn attribute(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).map(|c| if c == '"' { '\'' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Lang, Titles};
    use crate::guide::fixtures::a_channel;

    #[test]
    fn tracks_with_their_lengths() {
        let track =
            |seconds, title: &str| Track { seconds, title: title.into(), address: "http://x/1".into() };
        let list = playlist([track(754, "葡萄\n#EXTINF"), track(3, "ug")]);
        assert_eq!(list, "#EXTM3U\n#EXTINF:754,葡萄#EXTINF\nhttp://x/1\n#EXTINF:3,ug\nhttp://x/1\n");
    }

    #[test]
    fn a_list_of_two_channels() {
        let mut second = a_channel();
        second.lang = Lang::new("ug-Arab").unwrap();
        second.names = Titles::from([("ug-Arab", "يۇرت \"دەرسخانىسى\"\n#EXTINF")]);
        second.number = 2;
        second.logo = Some("http://tv.example/logo.png".to_owned());
        let list = m3u(&[a_channel(), second], "http://tv.example", "", 1);
        let expected = "#EXTM3U url-tvg=\"http://tv.example/guide.xml\" x-tvg-url=\"http://tv.example/guide.xml\"\n\
            #EXTINF:-1 tvg-id=\"xiangtu.yuanjiao\" tvg-name=\"乡土课堂\" tvg-chno=\"1\" tvg-language=\"zho\" \
            group-title=\"中文\" catchup=\"append\" catchup-days=\"1\" catchup-source=\"?from=${start}&to=${end}\",乡土课堂\n\
            http://tv.example/channels/xiangtu/index.m3u8\n\
            #EXTINF:-1 tvg-id=\"xiangtu.yuanjiao\" tvg-name=\"يۇرت 'دەرسخانىسى'#EXTINF\" tvg-chno=\"2\" tvg-language=\"uig\" \
            group-title=\"ئۇيغۇرچە\" tvg-logo=\"http://tv.example/logo.png\" catchup=\"append\" catchup-days=\"1\" \
            catchup-source=\"?from=${start}&to=${end}\",يۇرت \"دەرسخانىسى\"#EXTINF\n\
            http://tv.example/channels/xiangtu/index.m3u8\n";
        assert_eq!(list, expected);
        let list = m3u(&[a_channel()], "http://tv.example", "terminal=t1&lang=ug-Arab", 7);
        assert!(list.contains(" catchup-days=\"7\" catchup-source=\"&from=${start}&to=${end}\""), "{list}");
        assert!(list.ends_with("/channels/xiangtu/index.m3u8?terminal=t1&lang=ug-Arab\n"), "{list}");
        let list = streams(&[a_channel()], "http://tv.example", "terminal=t1");
        assert!(list.ends_with("\nhttp://tv.example/channels/xiangtu.ts?terminal=t1\n"), "{list}");
        assert!(!list.contains("catchup") && list.contains("tvg-id="), "{list}");
    }
}
