//! The arguments of ../../README.md.
use std::collections::HashMap;

pub struct Arguments {
    pub role: String,
    options: HashMap<String, String>,
    pub paths: Vec<String>,
}

const SWITCHES: &[&str] = &["insecure", "chacha20", "retry", "separately", "resume", "early", "key-update", "migrate", "v2"];

impl Arguments {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let role = words.next().filter(|word| word == "client" || word == "server").ok_or("client or server?")?;
        let mut options = HashMap::new();
        let mut paths = Vec::new();
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                Some(name) if SWITCHES.contains(&name) => options.insert(name.to_string(), String::new()),
                Some(name) => options.insert(name.to_string(), words.next().ok_or(format!("--{name} needs a value"))?),
                None => {
                    paths.push(word);
                    None
                }
            };
        }
        Ok(Self { role, options, paths })
    }

    pub fn has(&self, name: &str) -> bool {
        self.options.contains_key(name)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    pub fn required(&self, name: &str) -> Result<&str, String> {
        self.get(name).ok_or(format!("--{name} is missing"))
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(|text| text.parse().ok())
    }
}
