/* A small picker of emoji: recent ones first, groups, search by name, all of it by keyboard. */

import { byId, element } from "./dom.js";
import { Popup } from "./popup.js";

const COLUMNS = 8;
const RECENT = 16;
const slot = `emoji:${byId("client")?.dataset.reader}`;

/* Each group is one text to translate: the emoji and what it is found by, separated by commas. */
const groups = () => [
  [gettext("Smileys"), "🙂", gettext("🙂 smile, 😀 grin, 😃 happy, 😄 laughing eyes, 😁 beaming, 😆 laughing, 😅 sweat relief, 😂 tears of joy, 🤣 rolling laughing, 😊 blushing, 😇 angel, 😉 wink, 😌 relieved, 😍 heart eyes love, 🥰 hearts love, 😘 kiss, 😋 yummy, 😛 tongue, 😜 winking tongue, 🤪 crazy, 😎 cool sunglasses, 🤩 star eyes, 🥳 party, 😏 smirk, 😒 unamused, 😞 disappointed, 😔 sad pensive, 😟 worried, 😕 confused, 🙁 frown, 😣 struggling, 😫 tired, 🥺 pleading, 😢 crying, 😭 sobbing, 😤 huffing, 😠 angry, 😡 furious, 🤯 mind blown, 😳 flushed, 🥵 hot, 🥶 cold, 😱 scream shocked, 😨 fear, 😰 anxious, 🤗 hug, 🤔 thinking, 🤭 oops, 🤫 quiet, 😐 neutral, 😬 grimace awkward, 🙄 eye roll, 😴 sleeping, 🤒 ill fever, 🤕 hurt bandage, 🤧 sneezing cold, 😷 mask, 🤝 handshake deal")],
  [gettext("Hands and hearts"), "👍", gettext("👍 thumbs up yes, 👎 thumbs down no, 👌 perfect fine, ✌️ victory peace, 🤞 fingers crossed luck, 👋 wave hello bye, 🙌 hooray hands, 👏 clapping, 🙏 thank you please, 💪 strong muscle, ☝️ pointing up, 👆 up, 👇 down, 👈 left, 👉 right, ✋ stop hand, 🤙 call me, ✍️ writing, 👀 eyes looking, 🙋 raising hand, 🤷 shrug, 🤦 facepalm, ❤️ red heart love, 🧡 orange heart, 💛 yellow heart, 💚 green heart, 💙 blue heart, 💜 purple heart, 🖤 black heart, 💔 broken heart, 💕 two hearts, 💯 hundred perfect, ⭐ star, ✨ sparkles, 🔥 fire, 💥 boom, 🎉 party celebration, 🎊 confetti, 🎂 birthday cake, 🎁 gift present, 🏆 trophy winner, 🥇 first medal")],
  [gettext("Work and travel"), "💼", gettext("📞 phone, 📱 mobile, 💻 laptop, 🖨️ printer, 📧 e-mail, 📨 incoming mail, 📦 parcel package, 📎 paperclip, 📌 pin, 📍 place location, 📅 date calendar, ⏰ alarm clock, ⏳ waiting hourglass, 🕘 nine o'clock, 🔔 bell, 🔑 key, 🔒 locked, 🔧 wrench repair, 🔨 hammer, ⚙️ settings gear, 🛠️ tools, 💡 idea light, 🔋 battery, 📷 camera picture, 📝 note memo, 📄 document page, 📊 chart, 📈 rising, 📉 falling, 💼 briefcase work, 💰 money, 💳 card payment, 🧾 receipt bill, 🏠 home, 🏢 office building, 🏥 hospital, 🏫 school, 🚗 car, 🚚 delivery truck, 🚌 bus, 🚆 train, ✈️ plane, 🚲 bike, 🚑 ambulance, ⛽ fuel, 🅿️ parking, 🚧 roadworks")],
  [gettext("Nature and food"), "🌤️", gettext("☀️ sun, 🌤️ fair weather, ⛅ cloudy, 🌧️ rain, ⛈️ storm thunder, ❄️ snow cold, 🌈 rainbow, 🌙 moon night, 🌍 world, 🌊 wave sea, 🌲 tree, 🌸 blossom flower, 🌹 rose, 🌻 sunflower, 🍀 clover luck, 🐶 dog, 🐱 cat, 🐴 horse, 🐮 cow, 🐟 fish, 🐝 bee, 🦋 butterfly, 🍎 apple, 🍌 banana, 🍓 strawberry, 🥕 carrot, 🍞 bread, 🧀 cheese, 🍕 pizza, 🍔 burger, 🍟 fries, 🥗 salad, 🍝 pasta, 🍣 sushi, 🍰 cake, 🍪 cookie, 🍫 chocolate, ☕ coffee, 🍵 tea, 🍺 beer, 🍷 wine, 🥂 cheers")],
  [gettext("Signs"), "✅", gettext("✅ done check, ☑️ checked, ✔️ tick, ❌ cross no, ❗ exclamation, ❓ question, ⚠️ warning, 🚫 forbidden, ⛔ no entry, 🆗 ok, 🆕 new, 🆓 free, 🔴 red, 🟠 orange, 🟡 yellow, 🟢 green, 🔵 blue, ⚫ black, ⚪ white, ➡️ right arrow, ⬅️ left arrow, ⬆️ up arrow, ⬇️ down arrow, 🔄 again refresh, ➕ plus, ➖ minus, ♻️ recycle, ©️ copyright, ™️ trade mark, 🏁 finish flag")],
];

const read = (words) =>
  words.split(", ").map((one) => {
    const at = one.indexOf(" ");
    return { char: one.slice(0, at), name: one.slice(at + 1) };
  });

export class EmojiPicker {
  /** `onPick(char)` gets what was chosen. */
  constructor(onPick) {
    this.onPick = onPick;
    this.panel = byId("emoji-panel");
    this.popup = new Popup(byId("emoji-open"), this.panel, () => this.start());
    this.panel.addEventListener("keydown", (event) => this.step(event));
    this.panel.addEventListener("click", (event) => {
      const char = event.target.closest("[data-char]")?.dataset.char;
      if (char) this.pick(char);
    });
  }

  /** Built when it is first wanted: most people never open it. */
  start() {
    this.groups ??= groups().map(([label, sign, words]) => ({ label, sign, emoji: read(words) }));
    const known = this.groups.flatMap((group) => group.emoji);
    const recent = recents().map((char) => known.find((one) => one.char === char)).filter(Boolean);
    this.search = element("input", { class: "input", type: "search", placeholder: gettext("Search emoji"), "aria-label": gettext("Search emoji"), data: { testid: "emoji-search" } });
    this.search.addEventListener("input", () => this.show(this.search.value.trim().toLocaleLowerCase()));
    this.grid = element("div", { class: "emoji-grid", data: { testid: "emoji-grid" } });
    this.shelves = [...(recent.length ? [{ label: gettext("Recent"), sign: "🕘", emoji: recent }] : []), ...this.groups];
    const tabs = this.shelves.map(({ label, sign }, at) => {
      const tab = element("button", { type: "button", class: "emoji-tab", "aria-label": label, title: label, text: sign });
      tab.addEventListener("click", () => {
        this.search.value = "";
        this.show("");
        this.grid.children[at]?.scrollIntoView({ block: "start" });
      });
      return tab;
    });
    this.panel.replaceChildren(this.search, this.grid, element("div", { class: "emoji-tabs" }, ...tabs));
    this.show("");
    this.search.focus();
  }

  show(wanted) {
    const found = this.shelves
      .map((shelf) => ({ ...shelf, emoji: shelf.emoji.filter((one) => !wanted || one.name.toLocaleLowerCase().includes(wanted)) }))
      .filter((shelf, at) => shelf.emoji.length && !(wanted && at === 0 && this.shelves.length > this.groups.length));
    this.grid.replaceChildren(...found.map(({ label, emoji }) =>
      element("section", { "aria-label": label },
        element("h3", { class: "hint", text: label }),
        element("div", { class: "emoji-row" }, ...emoji.map(({ char, name }) =>
          element("button", { type: "button", class: "emoji", tabindex: "-1", title: name, "aria-label": name, text: char, data: { char, testid: "emoji" } }))))));
    if (!found.length) this.grid.replaceChildren(element("p", { class: "hint", role: "status", text: gettext("No emoji has this name.") }));
    this.all = [...this.grid.querySelectorAll(".emoji")];
    if (this.all.length) this.all[0].tabIndex = 0;
  }

  /** Arrows walk through the grid; from the search field they enter it, Enter takes the first. */
  step(event) {
    const at = this.all.indexOf(document.activeElement);
    const inSearch = document.activeElement === this.search;
    if (inSearch && event.key === "Enter") {
      event.preventDefault();
      if (this.all.length) this.pick(this.all[0].dataset.char);
      return;
    }
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS };
    if (!(event.key in steps) || (inSearch && event.key !== "ArrowDown") || (!inSearch && at < 0)) return;
    event.preventDefault();
    const to = inSearch ? 0 : at + steps[event.key];
    if (to < 0) this.search.focus();
    else this.all[Math.min(to, this.all.length - 1)]?.focus();
  }

  pick(char) {
    localStorage.setItem(slot, JSON.stringify([char, ...recents().filter((one) => one !== char)].slice(0, RECENT)));
    this.popup.close(false);
    this.onPick(char);
  }
}

const recents = () => JSON.parse(localStorage.getItem(slot) ?? "[]");
