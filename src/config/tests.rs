//! The stories of a county's file.

use std::path::Path;
use std::time::Duration;

use super::*;

const SMALL: &str = r#"
name = { zh-Hans = "某县" }

[[channel]]
id = "xiangtu"
number = 1
name = { zh-Hans = "乡土" }
lang = "zh-Hans"
"#;

fn read(text: &str) -> Result<County, Problems> {
    parse(Path::new("county.toml"), text, Path::new("/srv/config"))
}

fn problems(text: &str) -> Vec<String> {
    read(text).expect_err("it is not a good file").0.iter().map(ToString::to_string).collect()
}

/// Asserts that `text` has exactly these problems, each given by its start and a part.
fn has(text: &str, expected: &[(&str, &str)]) {
    let found = problems(text);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (problem, (place, part)) in found.iter().zip(expected) {
        assert!(problem.starts_with(&format!("county.toml:{place}: ")), "{problem} is not at {place}");
        assert!(problem.contains(part), "{problem} does not say {part:?}");
    }
}

#[test]
fn a_county_needs_little_said() {
    let county = read(SMALL).expect("it is good");
    assert_eq!(county.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(county.tz.iana_name(), Some("Asia/Shanghai"));
    assert_eq!(county.media, Path::new("/srv/config/../media"));
    assert_eq!(county.languages.len(), 3);
    let channel = &county.channels[0];
    assert_eq!(channel.window, Duration::from_secs(60));
    assert_eq!(channel.audio, std::slice::from_ref(&channel.lang));
    assert_eq!(county.packaging.ladder.len(), 3);
    assert_eq!(county.http.segment_cache_bytes, 512 << 20);
}

#[test]
fn every_syntax_error_is_reported() {
    let found = problems("name = \nlisten == 3\n[[channel]\n");
    assert!(found.len() >= 3, "{found:#?}");
    assert!(found[0].starts_with("county.toml:1:"), "{found:#?}");
}

#[test]
fn unknown_keys_and_wrong_types_come_together() {
    let text = format!("{}windwo = \"60s\"\nmax_gap = 30\ncolour = 1\n[htpp]\n", SMALL);
    has(
        &text,
        &[
            ("9:1", "unknown key `windwo` in channel: did you mean `window`?"),
            (
                "10:11",
                "expected a duration in quotes, such as \"60s\", \"5m\" or \"2h\", found a whole number",
            ),
            ("11:1", "unknown key `colour` in channel: expected one of audio, id"),
            ("12:2", "unknown key `htpp` in this file: did you mean `http`?"),
        ],
    );
}

#[test]
fn what_is_missing_is_said_at_its_table() {
    has(
        "listen = \"here\"\ntimezone = \"Asia/Korla\"\n[[channel]]\nid = \"A\"\n",
        &[
            ("1:1", "the file has no `name`"),
            ("1:10", "`here` is not an address to listen on"),
            ("2:12", "`Asia/Korla` is not a time zone"),
            ("3:1", "channel has no `lang`"),
            ("3:1", "channel has no `name`"),
            ("3:1", "channel has no `number`"),
            ("4:6", "`A` is not an identifier"),
        ],
    );
}

#[test]
fn references_resolve_and_names_are_given_once() {
    let token = "0".repeat(64);
    let people = format!(
        r#"
[[township]]
id = "bositan"
name = {{ zh-Hans = "博斯坦乡" }}
[[site]]
id = "aral"
township = "bostan"
name = {{ ug-Arab = "ئارال" }}
[[terminal]]
id = "t1"
site = "aral"
name = {{ zh-Hans = "一号" }}
token_sha256 = "{token}"
[[terminal]]
id = "t1"
site = "nowhere"
name = {{ zh-Hans = "二号", zh_Hans = "二号" }}
device = "fridge"
token_sha256 = "{token}"
"#
    );
    has(
        &(SMALL.to_owned() + &people),
        &[
            ("15:12", "there is no township `bostan`: did you mean `bositan`?"),
            ("23:6", "terminal `t1` is already used in line 18"),
            ("24:8", "there is no site `nowhere`: expected one of aral"),
            ("25:26", "`zh_Hans` is not a language tag"),
            ("26:10", "`fridge` is not a kind of device"),
            ("27:16", "is already used in line 21"),
        ],
    );
}

#[test]
fn relays_and_channels_are_held_to_what_can_work() {
    let more = r#"
window = "5s"
[[channel]]
id = "b"
number = 1
name = { en = "B" }
lang = "en"
audio = []
[[relay]]
id = "r"
name = { en = "R" }
sources = []
[[relay]]
id = "s"
name = { en = "S" }
sources = ["gopher://", "udp://127.0.0.1:5000", "udp://127.0.0.1:5000"]
stall_after = "8s"
rungs = ["v240", "v999"]
[[relay]]
id = "t"
name = { en = "T" }
sources = ["rtp://127.0.0.1:4996?fec=2022-1"]
"#;
    has(
        &(SMALL.to_owned() + more),
        &[
            ("10:10", "expected 24s to 3600s, found 5s"),
            ("13:10", "channel number `1` is already used in line 6"),
            ("16:9", "no audio languages"),
            ("20:11", "no sources"),
            ("21:1", "failover_after is shorter than stall_after"),
            ("24:12", "`gopher://` sources are not supported"),
            ("24:49", "is already used in line 24"),
            ("26:18", "`v999` is no rung of packaging.ladder: expected of v720, v480, v240"),
            ("30:12", "is already used in line 24"),
        ],
    );
}

#[test]
fn the_ladder_descends() {
    let more = r#"
[packaging]
jobs = 0
[[packaging.ladder]]
name = "v480"
height = 480
kbps = 800
[[packaging.ladder]]
name = "V720"
height = 720
kbps = 1500
"#;
    has(
        &(SMALL.to_owned() + more),
        &[
            ("11:8", "expected 1 to 64, found 0"),
            ("17:8", "not a rung's name"),
            ("18:10", "height 720 is not below the 480"),
            ("19:8", "kbps 1500 is not below the 800"),
        ],
    );
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let error = load(Path::new("/nowhere/county.toml")).expect_err("there is none").to_string();
    assert!(error.starts_with("/nowhere/county.toml:1:1: cannot be read"), "{error}");
}
