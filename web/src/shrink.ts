// Photos of phones have many megabytes, and lines are slow: what shows a hall full of people, or
// the names on a sheet, needs a tenth. What a camera writes into its pictures goes as well.

/** Enough to read a list of names that was photographed, pixels. */
const LONGEST = 2000;
const QUALITY = 0.8;
/** What is smaller is sent as it is, bytes. */
const SMALL = 400_000;

export function startShrinking(): void {
  for (const input of document.querySelectorAll<HTMLInputElement>("input[type=file][data-shrink]")) {
    input.addEventListener("change", () => void shrink(input));
  }
}

async function shrink(input: HTMLInputElement): Promise<void> {
  const [file] = input.files ?? [];
  if (file === undefined || !file.type.startsWith("image/") || file.size <= SMALL) return;
  const button = input.form?.querySelector("button");
  button?.setAttribute("disabled", "");
  const small = await smaller(file).catch(() => null); // Then it is sent as it is.
  button?.removeAttribute("disabled");
  // Another one was chosen meanwhile.
  if (small === null || small.size >= file.size || input.files?.[0] !== file) return;
  const files = new DataTransfer();
  files.items.add(new File([small], "photo.jpg", { type: small.type }));
  input.files = files.files;
}

/** Upright, as a JPEG. */
async function smaller(file: File): Promise<Blob | null> {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}
