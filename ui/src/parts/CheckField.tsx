import { Checkbox } from "@chakra-ui/react";

type Props = { label: string; checked: boolean; disabled?: boolean; onChange: (checked: boolean) => void };

/** A checkbox with its label. */
export function CheckField({ label, checked, disabled = false, onChange }: Props) {
  return (
    <Checkbox.Root
      checked={checked}
      disabled={disabled}
      onCheckedChange={(change) => onChange(change.checked === true)}
      size="sm"
    >
      <Checkbox.HiddenInput />
      <Checkbox.Control />
      <Checkbox.Label>{label}</Checkbox.Label>
    </Checkbox.Root>
  );
}
