/* Two short notes for a new message, made here: no file has to be fetched. */

const NOTES = [[880, 0], [1174.7, 0.09]]; // hertz, and when it begins
const LASTS = 0.22;
let audio = null;

/* Browsers let a page sound only after somebody used it. */
document.addEventListener("pointerdown", () => audio?.resume().catch(() => {}));

export function sound() {
  audio ??= new AudioContext();
  for (const [pitch, begins] of NOTES) {
    const start = audio.currentTime + begins;
    const voice = new OscillatorNode(audio, { frequency: pitch });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.linearRampToValueAtTime(0.12, start + 0.01);
    volume.gain.exponentialRampToValueAtTime(0.001, start + LASTS);
    voice.connect(volume).connect(audio.destination);
    voice.start(start);
    voice.stop(start + LASTS);
  }
}
