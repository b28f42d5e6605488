// A real browser for tests of pages: Chromium as the machine has it, driven by playwright.
// Knows no page.
import { type Browser, chromium, type Page } from 'playwright-core';
import { hasTool } from './tools.ts';

/** Whether there is one; says what is left out otherwise, and fails where everything has to be there. */
export function hasBrowser(wanted: string): boolean {
  return hasTool(PROGRAM, wanted);
}

const PROGRAM = 'chromium';

export interface OpenPage {
  readonly page: Page;
  /** What the page has complained about on its console, or thrown. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

/** A blank page in a browser of its own, whose profile is gone with it. `anyCertificate`: it asks for no authority. */
export async function openPage({ anyCertificate = false } = {}): Promise<OpenPage> {
  const browser: Browser = await chromium.launch({
    executablePath: `/usr/bin/${PROGRAM}`,
    args: ['--no-sandbox', '--disable-dev-shm-usage', ...(anyCertificate ? ['--ignore-certificate-errors'] : [])],
  });
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', ({ message }) => complaints.push(message));
  return { page, complaints, close: () => browser.close() };
}
