//! The example configuration is the manual: it loads, names every key there
//! is, and explains each. The example schedules fit it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use yuanjiao::config;
use yuanjiao::schedule::{Known, parse};

fn project(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(project(file)).expect("the example is there")
}

#[test]
fn the_example_loads() {
    let county = config::load(&project("config/county.toml")).unwrap_or_else(|p| panic!("{p}"));
    let channels: Vec<_> = county.channels.iter().map(|c| (c.number, c.id.as_str())).collect();
    assert_eq!(channels, [(1, "xiangtu"), (2, "national"), (3, "regional")]);
    assert_eq!(county.relays.len(), 2);
    let registry = &county.registry;
    assert_eq!((registry.townships.len(), registry.sites.len(), registry.terminals.len()), (3, 6, 8));
    let hall = registry.by_token("example-dongmen-hall").expect("the first terminal");
    assert_eq!(hall.site.as_str(), "dongmen");
    assert_eq!(county.schedules, project("config/../schedules"));
}

#[test]
fn every_key_stands_in_the_manual() {
    let file = project("config/county.toml");
    let left_out =
        config::keys_left_out(&file, &read("config/county.toml")).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(left_out, BTreeSet::new());
}

#[test]
fn what_is_not_said_is_what_the_manual_says() {
    // Leaving out everything with a default changes only what the example sets on purpose.
    let text = "name = { en = \"x\" }\n[[channel]]\nid = \"xiangtu\"\nnumber = 1\nname = { en = \"x\" }\nlang = \"zh-Hans\"\n\
                [[relay]]\nid = \"national\"\nname = { en = \"x\" }\nsources = [\"udp://127.0.0.1:5501\"]\n";
    let bare =
        config::parse(Path::new("bare.toml"), text, &project("config")).unwrap_or_else(|p| panic!("{p}"));
    let full = config::load(&project("config/county.toml")).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!((bare.http, bare.packaging, bare.evidence), (full.http, full.packaging, full.evidence));
    assert_eq!((bare.oidc, full.oidc), (None, None), "the example names no provider");
    assert_eq!((bare.data, bare.media, bare.schedules), (full.data, full.media, full.schedules));
    assert_eq!((bare.listen, bare.tz, bare.languages), (full.listen, full.tz, full.languages));
    let (b, f) = (&bare.channels[0], &full.channels[0]);
    assert_eq!((b.window, b.slate_after), (f.window, f.slate_after));
    let (b, f) = (&bare.relays[0], &full.relays[0]);
    assert_eq!(
        (b.stall_after, b.failover_after, b.failback_after),
        (f.stall_after, f.failover_after, f.failback_after)
    );
    assert_eq!((b.max_segment, b.retention_hours), (f.max_segment, f.retention_hours));
    assert_eq!((b.on_demand, b.look_every), (f.on_demand, f.look_every));
    assert_eq!(bare.recording.least_free, full.recording.least_free);
    assert_eq!(bare.alarms, full.alarms, "the example tells nobody");
}

/// A key is explained where it first stands in its section; later tables of
/// the same kind are examples.
#[test]
fn every_key_is_explained() {
    let text = read("config/county.toml");
    let (mut section, mut seen, mut before) = (String::new(), BTreeSet::new(), "");
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
            assert!(
                !seen.insert(section.clone()) || before.starts_with('#'),
                "line {}: [{section}] is not explained",
                number + 1
            );
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            let explained = before.starts_with('#') || value.contains(" # ");
            let first = seen.insert(format!("{section}.{key}"));
            assert!(explained || !first, "line {}: `{key}` of [{section}] is not explained", number + 1);
        }
        before = line;
    }
    assert!(seen.len() > 50, "only {} keys were found", seen.len());
}

#[test]
fn the_example_schedules_fit_the_county() {
    let county = config::load(&project("config/county.toml")).unwrap_or_else(|p| panic!("{p}"));
    let channels: BTreeMap<_, _> = county.channels.iter().map(|c| (c.id.clone(), c.max_gap)).collect();
    let relays: BTreeSet<_> = county.relays.iter().map(|r| r.id.clone()).collect();
    let known = Known { channels: &channels, relays: &relays, lessons: None, holidays: None };
    for channel in channels.keys() {
        let name = format!("schedules/{channel}.toml");
        let (plan, warnings) =
            parse(Path::new(&name), &read(&name), &county.tz, &known).unwrap_or_else(|p| panic!("{p}"));
        assert_eq!(&plan.channel, channel);
        assert!(warnings.is_empty(), "{warnings:?}");
    }
}
