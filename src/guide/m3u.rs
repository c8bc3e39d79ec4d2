//! The channel list that television players read.

use std::fmt::Write;

use super::ChannelInfo;
use super::xmltv::tv_id;

/// Days back that players offer to catch up. Relays are kept for a day unless
/// the county keeps more; the server answers for what it has.
const CATCHUP_DAYS: u32 = 1;

/// The list of `channels`, which players join with the guide by `tvg-id`.
/// `base_url` is the server's address without a slash at the end.
pub fn m3u(channels: &[ChannelInfo], base_url: &str) -> String {
    let base = attribute(base_url);
    let mut out = format!("#EXTM3U url-tvg=\"{base}/guide.xml\" x-tvg-url=\"{base}/guide.xml\"\n");
    for channel in channels {
        entry(&mut out, channel, base_url);
    }
    out
}

fn entry(out: &mut String, channel: &ChannelInfo, base_url: &str) {
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
    attributes.push(("catchup", "append".to_owned()));
    attributes.push(("catchup-days", CATCHUP_DAYS.to_string()));
    // The player puts in the seconds since 1970.
    attributes.push(("catchup-source", "?from=${start}&to=${end}".to_owned()));
    out.push_str("#EXTINF:-1");
    for (key, value) in attributes {
        // Writing to a String cannot fail.
        let _ = write!(out, " {key}=\"{value}\"");
    }
    let title: String = name.chars().filter(|c| !c.is_control()).collect();
    let _ = writeln!(out, ",{title}\n{base_url}/channels/{}/index.m3u8", channel.id);
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
    fn a_list_of_two_channels() {
        let mut second = a_channel();
        second.lang = Lang::new("ug-Arab").unwrap();
        second.names = Titles::from([("ug-Arab", "يۇرت \"دەرسخانىسى\"\n#EXTINF")]);
        second.number = 2;
        second.logo = Some("http://tv.example/logo.png".to_owned());
        let list = m3u(&[a_channel(), second], "http://tv.example");
        let expected = "#EXTM3U url-tvg=\"http://tv.example/guide.xml\" x-tvg-url=\"http://tv.example/guide.xml\"\n\
            #EXTINF:-1 tvg-id=\"xiangtu.yuanjiao\" tvg-name=\"乡土课堂\" tvg-chno=\"1\" tvg-language=\"zho\" \
            group-title=\"中文\" catchup=\"append\" catchup-days=\"1\" catchup-source=\"?from=${start}&to=${end}\",乡土课堂\n\
            http://tv.example/channels/xiangtu/index.m3u8\n\
            #EXTINF:-1 tvg-id=\"xiangtu.yuanjiao\" tvg-name=\"يۇرت 'دەرسخانىسى'#EXTINF\" tvg-chno=\"2\" tvg-language=\"uig\" \
            group-title=\"ئۇيغۇرچە\" tvg-logo=\"http://tv.example/logo.png\" catchup=\"append\" catchup-days=\"1\" \
            catchup-source=\"?from=${start}&to=${end}\",يۇرت \"دەرسخانىسى\"#EXTINF\n\
            http://tv.example/channels/xiangtu/index.m3u8\n";
        assert_eq!(list, expected);
    }
}
