//! What bindings/tests/trace.c does, through this crate: prints the same.

use interns1::*;

const QUESTION: &str = "How many rings does <SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES> have?";

fn show_ids(name: &str, ids: &[i32]) {
    let words: String = ids.iter().map(|id| format!(" {}", id)).collect();
    println!("{} {}:{}", name, ids.len(), words);
}

fn show_floats(name: &str, values: &[f32]) {
    let words: String = values.iter().map(|value| format!(" {:08x}", value.to_bits())).collect();
    println!("{} {}:{}", name, values.len(), words);
}

fn show_embeds(name: &str, embeds: &Embeds) -> Result<()> {
    let info = embeds.info()?;
    println!("{} {} x {}", name, info.n_tokens, info.dim);
    show_floats(name, &embeds.read()?);
    Ok(())
}

fn trace_decoder(runtime: &Runtime, model: &Model) -> Result<()> {
    let mut session = Session::new(&Decoder::new(model)?)?;
    let mut sampler = Sampler::greedy(runtime)?;
    let mut chosen = Vec::new();
    session.prefill(0, &[1, 2, 3, 4, 5])?;
    for _ in 0..4 {
        let token = sampler.pick(session.logits(0)?)?.token;
        chosen.push(token);
        session.step(0, token)?;
    }
    show_ids("chosen", &chosen);
    show_floats("logits", session.logits(0)?);
    show_embeds("hidden", &session.embeds(0, sys::INS1_POOL_LAST)?)
}

fn trace_vision(model: &Model) -> Result<()> {
    let mut encoder = VisionEncoder::new(model)?;
    let mut pixels = Vec::new();
    for y in 0..48 {
        for x in 0..64 {
            pixels.extend((0..3).map(|c| (7 * x + 13 * y + 29 * c + x * y) as u8));
        }
    }
    show_embeds("vision", &encoder.encode(&[Image::from_u8(&pixels, 64, 48, 3)])?[0])
}

fn trace_timeseries(model: &Model) -> Result<()> {
    let mut encoder = TimeSeriesEncoder::new(model)?;
    let samples: Vec<f32> = (0..2000).map(|i| (37 * i % 201 - 100) as f32 / 64.0).collect();
    show_embeds("timeseries", &encoder.encode(&[Series::from_f32(&samples, 1, 100.0)])?[0])
}

fn if_supported(name: &str, result: Result<()>) -> Result<()> {
    match result {
        Err(error) if error.status == sys::INS1_E_UNSUPPORTED => {
            println!("{}: INS1_E_UNSUPPORTED", name);
            Ok(())
        }
        other => other,
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = Runtime::new()?;
    let parts = arguments.get(2).and_then(|parts| parts.parse().ok()).unwrap_or(0);
    let model = Model::open_with(&runtime, &arguments[1], ModelOptions { parts, ..Default::default() })?;
    let parts = model.info()?.parts;
    println!("parts: {}", parts);
    if parts & sys::INS1_PART_TOKENIZER != 0 {
        let tokenizer = Tokenizer::new(&model)?;
        let ids = tokenizer.encode_special(QUESTION)?;
        show_ids("ids", &ids);
        println!("text: {}", tokenizer.decode(&ids, 0)?);
    }
    if parts & sys::INS1_PART_DECODER != 0 {
        trace_decoder(&runtime, &model)?;
    }
    if_supported("vision", trace_vision(&model))?;
    if_supported("timeseries", trace_timeseries(&model))
}
