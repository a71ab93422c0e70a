//! Runs every tests/scenes/*.scene: the rules of one relay among named people, with time by hand.

#[cfg(test)]
#[path = "scenes/script.rs"]
mod script;
#[cfg(test)]
#[path = "scenes/store.rs"]
mod store;
#[cfg(test)]
#[path = "scenes/storm.rs"]
mod storm;
#[cfg(test)]
#[path = "scenes/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn every_scene_plays() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenes");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "scene"));
    paths.sort();
    assert!(paths.len() > 40, "there should be more than {} scenes", paths.len());
    let wanted = std::env::var("SCENE").unwrap_or_default();
    let mut failed = Vec::new();
    for path in paths.iter().filter(|path| path.to_string_lossy().contains(&wanted)) {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        println!("{name}");
        let outcome = catch_unwind(AssertUnwindSafe(|| script::run(&text)));
        let log = world::take_log().join("\n");
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                println!("{log}\n  !! {name}, {error}\n");
                failed.push(name);
            }
            Err(_) => {
                println!("{log}\n  !! {name} panicked\n");
                failed.push(name);
            }
        }
    }
    assert!(failed.is_empty(), "these scenes failed: {failed:?}");
}

#[test]
fn what_must_hold_in_any_order() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("SEED").unwrap_or(0);
    let seeds = number("SEEDS").unwrap_or(if number("SEED").is_some() { 1 } else { 200 });
    for seed in first..first + seeds {
        let outcome = catch_unwind(AssertUnwindSafe(|| storm::run(seed)));
        let log = world::take_log().join("\n");
        assert!(outcome.is_ok(), "{log}\n  !! seed {seed}");
    }
}
