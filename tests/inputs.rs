//! Every way in which an upstream may come, each fed by a program of others.

#[expect(dead_code, reason = "each story uses its part of what they share")]
mod support;

use std::fmt::Write as _;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use support::county::{County, a_county};
use support::media::{Decoded, Upstream, decode, ffmpeg, free_udp_port};
use support::process::Program;
use support::server::{PATIENCE, Server};
use support::time::{ms, s, wait_for};

/// Seconds of the film that the feeders send again and again.
const FILM: u32 = 40;

fn free_tcp_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("its number").port()
}

/// The film as an upstream might have it: a picture and a Uyghur sound.
fn film(county: &County, name: &str, codecs: &[&str]) -> PathBuf {
    let file = county.path(&format!("{name}.ts"));
    let mut command = ffmpeg();
    command
        .args(["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"])
        .args(["-t", &FILM.to_string(), "-metadata:s:a:0", "language=uig"])
        .args(codecs)
        .args(["-g", "25", "-pix_fmt", "yuv420p", "-ac", "2", "-f", "mpegts", "-y"])
        .arg(&file);
    Program::run(&mut command, PATIENCE).good("making a film");
    file
}

const H264: [&str; 8] = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-c:a", "aac"];

/// ffmpeg that sends `film` at the speed of the clock, for ever.
fn send(film: &Path, to: &[&str]) -> Program {
    let mut command = ffmpeg();
    command.args(["-re", "-stream_loop", "-1", "-i"]).arg(film).args(["-c", "copy"]).args(to);
    Program::start(&mut command)
}

/// A county whose channels each pass on one relay, by the same name.
fn a_county_of(relays: &[(&str, String, &str)], own: &str) -> County {
    let mut tables = String::new();
    for (n, (id, source, keys)) in relays.iter().enumerate() {
        let _ = write!(
            tables,
            "\n[[relay]]\nid = \"{id}\"\nname = {{ en = \"{id}\" }}\nsources = [\"{source}\"]\n\
             audio = [\"ug-Arab\"]\nmax_segment = \"5s\"\n{keys}\n\
             [[channel]]\nid = \"{id}\"\nnumber = {}\nname = {{ en = \"{id}\" }}\nlang = \"ug-Arab\"\n\
             audio = [\"ug-Arab\"]\n",
            n + 2
        );
    }
    let county = a_county().with_own(own).with(&tables);
    for (id, ..) in relays {
        let schedule = format!(
            "channel = \"{id}\"\n\n[[weekly]]\ndays = \"daily\"\nstart = \"00:00\"\nrelay = \"{id}\"\n"
        );
        fs::write(county.path(&format!("schedules/{id}.toml")), schedule).expect("a schedule");
    }
    county
}

/// What is on air on each channel, decoded for ten seconds, has no gap.
fn all_play(server: &Server, relays: &[&str]) {
    for id in relays {
        let relay = server.has_relay(id);
        assert!(relay["health"]["bytes"].as_u64() > Some(0), "{id}: {relay}");
        wait_for(&format!("{id} on air"), PATIENCE, || {
            let path = server.client.open(&format!("/channels/{id}/index.m3u8"));
            let media = server.live(&path, "v360");
            (media.segments.iter().filter(|s| s.uri.contains("/relay.")).count() >= 4).then_some(())
        });
    }
    let players: Vec<(&str, Program)> = relays
        .iter()
        .map(|id| (*id, decode(&server.client.url(&format!("/channels/{id}/index.m3u8")), Some(s(10)))))
        .collect();
    for (id, player) in players {
        let played = player.finish(s(90)).good(id);
        let decoded = Decoded::from_framecrc(&played.out);
        assert!(
            (240..=260).contains(&decoded.video.len()),
            "{id}: {} pictures: {:#?}",
            decoded.video.len(),
            played.err
        );
        assert!(decoded.audio.len() > 440, "{id}: {} sounds: {:#?}", decoded.audio.len(), played.err);
    }
}

/// nginx with its RTMP module, and with the folder `hls` of the county over HTTP.
fn nginx(county: &County, rtmp: u16, http: u16) -> Program {
    let root = county.path("nginx");
    fs::create_dir_all(root.join("tmp")).expect("a folder");
    let config = format!(
        "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\ndaemon off; master_process off; pid {root}/pid; error_log stderr error;\n\
         events {{ worker_connections 256; }}\n\
         rtmp {{ server {{ listen 127.0.0.1:{rtmp}; application live {{ live on; wait_video on; }} }} }}\n\
         http {{ access_log off; client_body_temp_path {root}/tmp; proxy_temp_path {root}/tmp;\n\
         fastcgi_temp_path {root}/tmp; uwsgi_temp_path {root}/tmp; scgi_temp_path {root}/tmp;\n\
         types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; video/mp4 mp4 m4s; }}\n\
         server {{ listen 127.0.0.1:{http}; root {hls}; }} }}\n",
        root = root.display(),
        hls = county.path("hls").display(),
    );
    fs::write(root.join("nginx.conf"), config).expect("a configuration");
    Program::start(Command::new("nginx").arg("-c").arg(root.join("nginx.conf")).arg("-p").arg(&root))
}

/// With which an encoder publishes.
const KEY: &str = "a-key-nobody-guesses";

#[test]
fn packets_and_connections() {
    let (rtp, caller, listener) = (free_udp_port(), free_udp_port(), free_udp_port());
    let [http, rtmp, web, rtsp] = std::array::from_fn(|_| free_tcp_port());
    let secret = "passphrase=a-long-secret-word&pbkeylen=16";
    let mut relays = vec![
        ("rtp", format!("rtp://127.0.0.1:{rtp}"), ""),
        ("http", format!("http://127.0.0.1:{http}/live.ts"), ""),
        ("srt-calls", format!("srt://127.0.0.1:{caller}?{secret}&latency=200"), ""),
        ("srt-listens", format!("srt://127.0.0.1:{listener}?mode=listener&{secret}"), ""),
        ("rtmp", format!("rtmp://127.0.0.1:{rtmp}/live/film"), ""),
        ("hls", format!("http://127.0.0.1:{web}/mpegts/index.m3u8"), ""),
        ("hls-fmp4", format!("http://127.0.0.1:{web}/fmp4/index.m3u8"), ""),
        ("rtsp", format!("rtsp://127.0.0.1:{rtsp}/live"), ""),
        ("rtsp-tcp", format!("rtspt://127.0.0.1:{rtsp}/live"), ""),
        ("published", format!("publish://{KEY}"), ""),
    ];
    let names: Vec<&str> = relays.iter().map(|(id, ..)| *id).chain(["file"]).collect();
    let loop_file = tempfile::Builder::new().suffix(".ts").tempfile().expect("a file");
    relays.push(("file", format!("file://{}", loop_file.path().display()), ""));
    let door = free_tcp_port();
    let county = a_county_of(&relays, &format!("rtmp = \"127.0.0.1:{door}\""));
    let film = film(&county, "film", &H264);
    fs::copy(&film, loop_file.path()).expect("the loop");
    let mut feeders = vec![nginx(&county, rtmp, web)];
    let listing = ["-f", "hls", "-hls_time", "2", "-hls_list_size", "6", "-hls_flags", "delete_segments"];
    // Of MPEG-TS ffmpeg would repack the sound of the first round only.
    let mp4 = film.with_extension("mp4");
    let mut repack = ffmpeg();
    repack.arg("-i").arg(&film).args(["-c", "copy", "-metadata:s:a:0", "language=uig"]).arg(&mp4);
    Program::run(&mut repack, PATIENCE).good("an MP4 of the film");
    for (kind, film) in [("mpegts", &film), ("fmp4", &mp4)] {
        let folder = county.path(&format!("hls/{kind}"));
        fs::create_dir_all(&folder).expect("a folder");
        let list = folder.join("index.m3u8").display().to_string();
        feeders.push(send(film, &[&listing[..], &["-hls_segment_type", kind, &*list]].concat()));
    }
    feeders.push(Program::start(
        Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/rtsp_server.py"))
            .arg(rtsp.to_string())
            .arg(&film),
    ));
    feeders.push(send(&film, &["-f", "rtp_mpegts", &format!("rtp://127.0.0.1:{rtp}")]));
    feeders.push(send(
        &film,
        &["-f", "flv", "-bsf:a", "aac_adtstoasc", &format!("rtmp://127.0.0.1:{rtmp}/live/film")],
    ));
    feeders.push(send(&film, &["-f", "mpegts", &format!("srt://127.0.0.1:{caller}?mode=listener&{secret}")]));
    feeders.push(send(&film, &["-f", "mpegts", "-listen", "1", &format!("http://127.0.0.1:{http}/live.ts")]));
    std::thread::sleep(ms(500));
    let server = Server::start(&county);
    // A caller that finds nobody gives up.
    server.logged(&["relay srt-listens: started"], PATIENCE);
    std::thread::sleep(s(2));
    feeders.push(send(&film, &["-f", "mpegts", &format!("srt://127.0.0.1:{listener}?mode=caller&{secret}")]));
    let publish = |key: &str| {
        // An encoder that has been running for hours says so in its timestamps.
        let flv = ["-f", "flv", "-bsf:a", "aac_adtstoasc", "-output_ts_offset", "20000"];
        send(&film, &[&flv[..], &[&format!("rtmp://127.0.0.1:{door}/live/{key}")]].concat())
    };
    let stranger = publish("no-key-of-this-county");
    stranger.finish(s(20)).bad("an encoder without a key");
    feeders.push(publish(KEY));
    all_play(&server, &names);
    // The loop begins again: a new generation, and no end.
    wait_for("the file's second round", PATIENCE, || {
        let events = server.client.items("/api/v1/relays/file/events");
        events
            .iter()
            .any(|e| e["detail"].as_str().is_some_and(|d| d.contains("the feed has ended")))
            .then_some(())
    });
    server.has_relay("file");
    // One encoder at a time; when it has gone, the next is taken.
    publish(KEY).finish(s(20)).bad("a second encoder with the same key");
    feeders.pop().expect("the first").end();
    wait_for("the first has gone", PATIENCE, || {
        let events = server.client.items("/api/v1/relays/published/events");
        events.iter().any(|e| e["kind"] == "stalled").then_some(())
    });
    let _next = publish(KEY);
    let before = server.has_relay("published")["segments"].as_u64();
    wait_for("more segments", PATIENCE, || {
        (server.has_relay("published")["segments"].as_u64() > before).then_some(())
    });
}

#[test]
fn what_browsers_cannot_play_is_encoded_anew_or_left_out() {
    let ports = [free_udp_port(), free_udp_port(), free_udp_port()];
    let relays = [
        ("dvb", format!("udp://127.0.0.1:{}", ports[0]), ""),
        ("hevc", format!("udp://127.0.0.1:{}", ports[1]), ""),
        ("plain", format!("udp://127.0.0.1:{}", ports[2]), "transcode = \"never\""),
    ];
    let county = a_county_of(&relays, "");
    let dvb = film(&county, "dvb", &["-c:v", "mpeg2video", "-b:v", "2M", "-c:a", "mp2"]);
    let hevc = film(
        &county,
        "hevc",
        &["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-c:a", "ac3"],
    );
    let plain = film(&county, "plain", &[&H264[..6], &["-c:a", "mp2"]].concat());
    let udp = |port: u16| format!("udp://127.0.0.1:{port}?pkt_size=1316");
    let _feeders = [&dvb, &hevc, &plain]
        .iter()
        .zip(ports)
        .map(|(f, p)| send(f, &["-f", "mpegts", &udp(p)]))
        .collect::<Vec<_>>();
    let server = Server::start(&county);
    all_play(&server, &["dvb", "hevc", "plain"]);
    // Sound that is left out is silence; sound that is encoded anew is heard.
    let loudness = |id: &str| {
        let mut command = ffmpeg();
        command.args(["-v", "info", "-i", &server.client.url(&format!("/channels/{id}/index.m3u8"))]);
        command.args(["-map", "0:a:0", "-t", "4", "-af", "volumedetect", "-f", "null", "-"]);
        let told = Program::run(&mut command, PATIENCE).good("listening").err.join("\n");
        let level = told.split("mean_volume: ").nth(1).and_then(|r| r.split(' ').next());
        level.and_then(|l| l.parse::<f64>().ok()).unwrap_or_else(|| panic!("{id}: {told}"))
    };
    assert!(loudness("dvb") > -40.0 && loudness("hevc") > -40.0, "they are heard");
    assert!(loudness("plain") < -80.0, "it is silent");
}

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
    let (studio, media) = (free_udp_port(), free_udp_port());
    // Its parity comes two and four ports further on.
    let is_free = |port: u16| UdpSocket::bind(("127.0.0.1", port)).is_ok();
    let fits = |port: &u16| *port < 65_000 && is_free(port + 2) && is_free(port + 4);
    let relay = (0..100).map(|_| free_udp_port()).find(fits).expect("three free ports");
    let county = a_county_of(&[("parity", format!("rtp://127.0.0.1:{relay}?fec=2022-1"), "")], "");
    let (row, column) = (relay + 2, relay + 4);
    let mut sender = Command::new("gst-launch-1.0");
    sender.args(["-q", "udpsrc", &format!("port={studio}"), "address=127.0.0.1"]);
    sender.args(["!", "video/mpegts,systemstream=true,packetsize=188", "!", "rtpmp2tpay", "ssrc=0", "!"]);
    sender.args(["rtpst2022-1-fecenc", "name=parity", "columns=5", "rows=5", "parity.src", "!"]);
    sender.args(["udpsink", "sync=false", "host=127.0.0.1", &format!("port={media}")]);
    for (pad, port) in [("fec_0", row), ("fec_1", column)] {
        sender.args([&format!("parity.{pad}"), "!", "udpsink", "sync=false", "async=false"]);
        sender.args(["host=127.0.0.1", &format!("port={port}")]);
    }
    let line = UdpSocket::bind(("127.0.0.1", media)).expect("the line's end");
    line.set_read_timeout(Some(ms(100))).expect("a limit");
    let (lost, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
    let (count, stopped) = (Arc::clone(&lost), Arc::clone(&stop));
    let thread = std::thread::spawn(move || {
        let (mut packet, mut n) = ([0; 2048], 0u64);
        while !stopped.load(Ordering::Relaxed) {
            let Ok(length) = line.recv(&mut packet) else { continue };
            n += 1;
            // One in seventeen, and now and then two in a row.
            if n % 17 == 0 || n % 170 == 1 {
                count.fetch_add(1, Ordering::Relaxed);
            } else {
                // Whether anyone listens is no matter to a line.
                let _ = line.send_to(&packet[..length], ("127.0.0.1", relay));
            }
        }
    });
    let sender = Program::start(&mut sender);
    let _upstream = Upstream::to(studio);
    let server = Server::start(&county);
    all_play(&server, &["parity"]);
    let health = server.has_relay("parity")["health"].clone();
    stop.store(true, Ordering::Relaxed);
    thread.join().expect("the line");
    drop(sender);
    let lost = lost.load(Ordering::Relaxed);
    assert!(lost > 100, "{lost} packets were lost");
    // What was on its way when the relay began to listen cannot be made again.
    assert!(health["continuity_errors"].as_u64() < Some(10), "of {lost} lost packets: {health}");
}
