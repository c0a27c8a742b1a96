/* Makes a picture smaller until it fits; it stays upright, because the browser turns it on reading. */

const SIDES = [2560, 2048, 1600, 1280, 1024, 800, 640, 480, 320];
const QUALITIES = [0.86, 0.72, 0.58];

/** Return the picture as a JPEG file of at most so many bytes, or null where that cannot be done. */
export async function shrink(file, most) {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return null;
  const longest = Math.max(picture.width, picture.height);
  const sides = [longest, ...SIDES.filter((side) => side < longest)].filter((side) => side <= 4096);
  try {
    for (const side of sides) {
      const canvas = drawn(picture, side / longest);
      for (const quality of QUALITIES) {
        const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
        if (blob && blob.size <= most) return new File([blob], renamed(file.name), { type: "image/jpeg" });
      }
    }
    return null;
  } finally {
    picture.close();
  }
}

function drawn(picture, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff"; // JPEG has no see-through
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const renamed = (name) => `${name.replace(/\.[^.]*$/, "") || "picture"}.jpg`;
