//! What is made of a feed: lower rungs of its picture, one of its programmes, packets
//! that the line lost.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::net::UdpSocket;
use std::process::Command;

use support::feeds::{FILM, H264, a_county_of, all_play, film, free_tcp_port, send};
use support::line::{BAD, Line};
use support::media::{Upstream, ffmpeg, free_udp_port};
use support::process::Program;
use support::server::{PATIENCE, Server};
use support::time::{ms, wait_for};

#[test]
fn lower_rungs_are_made_on_request_and_cut_where_the_picture_is() {
    let ports = [free_udp_port(), free_udp_port()];
    let asked = "rungs = [\"v144\", \"v240\"]";
    let udp = |port: u16| format!("udp://127.0.0.1:{port}");
    let county = a_county_of(&[("studio", udp(ports[0]), asked), ("dvb", udp(ports[1]), asked)], "");
    // Pictures that refer to later ones, and what has to be encoded anew itself.
    let studio =
        film(&county, "studio", &["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-c:a", "aac"]);
    let dvb = film(&county, "dvb", &["-c:v", "mpeg2video", "-b:v", "2M", "-c:a", "mp2"]);
    let _feeders: Vec<Program> = [studio, dvb]
        .iter()
        .zip(ports)
        .map(|(film, port)| send(film, &["-f", "mpegts", &format!("{}?pkt_size=1316", udp(port))]))
        .collect();
    let server = Server::start(&county);
    all_play(&server, &["studio", "dvb"]);
    for id in ["studio", "dvb"] {
        let index = server.client.open(&format!("/channels/{id}/index.m3u8"));
        for (name, size) in [("v240", "426x240"), ("v144", "256x144")] {
            let best = server.live(&index, "v360").segments;
            let lower = server.live(&index, name).segments;
            let same =
                lower.iter().filter_map(|l| Some((best.iter().find(|b| b.sequence == l.sequence)?, l)));
            let pairs: Vec<_> = same.filter(|(b, _)| b.uri.contains("/relay.")).collect();
            assert!(pairs.len() >= 4, "{id} {name}: {lower:#?}");
            for (best, lower) in pairs {
                assert!(lower.uri.contains(&format!("/{name}/")), "{id}: {}", lower.uri);
                assert_eq!((best.date, best.discontinuities), (lower.date, lower.discontinuities));
                assert!((best.duration - lower.duration).abs() < 0.09, "{id}: {best:?} {lower:?}");
            }
            let url = server.client.url(&support::playlist::beside(&index, name));
            let mut player = ffmpeg();
            player.args([
                "-v",
                "info",
                "-i",
                &url,
                "-t",
                "10",
                "-fps_mode",
                "passthrough",
                "-f",
                "null",
                "-",
            ]);
            let told = Program::run(&mut player, PATIENCE).good("a player of a rung").err.join("\n");
            let pictures = told.rsplit("frame=").next().and_then(|r| r.split_whitespace().next());
            let pictures: u32 = pictures.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{told}"));
            assert!((245..=255).contains(&pictures) && told.contains(size), "{id} {name}: {told}");
            assert!(!told.contains("error"), "{id} {name}: {told}");
        }
    }
}

#[test]
fn a_programme_is_found_by_its_name() {
    let (port, http) = (free_udp_port(), free_tcp_port());
    let (far, wrong) = (free_udp_port(), "service_name = \"别的台\"");
    let relays = [
        ("second", format!("udp://127.0.0.1:{port}"), "service_name = \"新疆卫视\""),
        ("first", format!("http://127.0.0.1:{http}/live.ts"), "service_name = \"cctv-7\""),
        ("none", format!("udp://127.0.0.1:{far}"), wrong),
    ];
    let county = a_county_of(&relays, "");
    let film = county.path("two.ts");
    let mut command = ffmpeg();
    command
        .args(["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"])
        .args(["-map", "0:v", "-map", "2:a", "-map", "1:v", "-map", "2:a", "-t", &FILM.to_string()])
        .args(H264)
        .args(["-g", "25", "-pix_fmt", "yuv420p", "-ac", "2"])
        .args(["-program", "program_num=11:title=CCTV-7:st=0:st=1"])
        .args(["-program", "program_num=12:title=新疆卫视:st=2:st=3", "-f", "mpegts", "-y"])
        .arg(&film);
    Program::run(&mut command, PATIENCE).good("making a film of two programmes");
    let whole = |to: &[&str]| {
        let programmes = ["-map", "0", "-program", "program_num=11:title=CCTV-7:st=0:st=1"];
        let second = ["-program", "program_num=12:title=新疆卫视:st=2:st=3", "-f", "mpegts"];
        send(&film, &[&programmes[..], &second, to].concat())
    };
    let _feeders = [
        whole(&[&format!("udp://127.0.0.1:{port}?pkt_size=1316")]),
        whole(&[&format!("udp://127.0.0.1:{far}?pkt_size=1316")]),
        whole(&["-listen", "1", &format!("http://127.0.0.1:{http}/live.ts")]),
    ];
    std::thread::sleep(ms(500));
    let server = Server::start(&county);
    all_play(&server, &["first", "second"]);
    for (id, size) in [("first", "640x360"), ("second", "320x180")] {
        let mut probe = Command::new("ffprobe");
        probe.args(["-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height"]);
        probe.args(["-of", "csv=p=0:s=x"]).arg(server.client.url(&format!("/channels/{id}/index.m3u8")));
        let told = Program::run(&mut probe, PATIENCE).good("ffprobe").out.join(" ");
        assert!(told.contains(size), "{id}: {told}");
    }
    // Whose name is not there is told which ones are.
    server.logged(&["there is no programme `别的台` in the stream, but: CCTV-7, 新疆卫视"], PATIENCE);
}

#[test]
fn packets_that_a_line_loses_are_made_again_from_parity() {
    let studio = free_udp_port();
    // Its parity comes two and four ports further on.
    let is_free = |port: u16| UdpSocket::bind(("127.0.0.1", port)).is_ok();
    let fits = |port: &u16| *port < 65_000 && is_free(port + 2) && is_free(port + 4);
    let relay = (0..100).map(|_| free_udp_port()).find(fits).expect("three free ports");
    let county = a_county_of(&[("parity", format!("rtp://127.0.0.1:{relay}?fec=2022-1"), "")], "");
    let (row, column) = (relay + 2, relay + 4);
    let line = Line::to(relay);
    line.is(BAD);
    let mut sender = Command::new("gst-launch-1.0");
    sender.args(["-q", "udpsrc", &format!("port={studio}"), "address=127.0.0.1"]);
    sender.args(["!", "video/mpegts,systemstream=true,packetsize=188", "!", "rtpmp2tpay", "ssrc=0", "!"]);
    sender.args(["rtpst2022-1-fecenc", "name=parity", "columns=5", "rows=5", "parity.src", "!"]);
    sender.args(["udpsink", "sync=false", "host=127.0.0.1", &format!("port={}", line.entry)]);
    for (pad, port) in [("fec_0", row), ("fec_1", column)] {
        sender.args([&format!("parity.{pad}"), "!", "udpsink", "sync=false", "async=false"]);
        sender.args(["host=127.0.0.1", &format!("port={port}")]);
    }
    let sender = Program::start(&mut sender);
    let _upstream = Upstream::to(studio);
    let server = Server::start(&county);
    all_play(&server, &["parity"]);
    wait_for("losses enough", PATIENCE, || (line.lost() > 120).then_some(()));
    let health = server.has_relay("parity")["health"].clone();
    drop(sender);
    let lost = line.lost();
    assert!(lost > 100, "{lost} packets were lost");
    // What was on its way when the relay began to listen cannot be made again.
    assert!(health["continuity_errors"].as_u64() < Some(10), "of {lost} lost packets: {health}");
}
