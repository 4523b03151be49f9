import { AutoComplete } from 'antd';
import { beginning } from '../../rule/attributes.js';
import { writeOperand } from '../../rule/write-cel.js';
import { useCatalogue } from '../../shared/use-catalogue.js';

/** The numbers of the catalogue, as rules write them. */
export function useNumbers(): { value: string; label: string }[] {
  const { attributes, titleOf } = useCatalogue();
  return attributes
    .filter(({ type }) => type === 'ATTRIBUTE_TYPE_INT' || type === 'ATTRIBUTE_TYPE_DOUBLE')
    .filter(({ arguments: declared }) => declared.every(({ optional, type }) => optional || type.endsWith('DURATION')))
    .map((attribute) => {
      const value = writeOperand({ field: attribute.key, operator: '==', value: beginning(attribute) });
      return { value, label: `${titleOf(attribute.key)} · ${value}` };
    });
}

interface ValueProps {
  label: string;
  value: string;
  placeholder?: string;
  onChange: (value: string) => void;
}

/** A number as rules write it, with the catalogue's to choose from. */
export function ValueInput({ label, value, placeholder, onChange }: ValueProps) {
  const numbers = useNumbers();
  return (
    <AutoComplete
      value={value}
      options={numbers}
      aria-label={label}
      {...(placeholder ? { placeholder } : {})}
      className="mono"
      style={{ width: '100%', minWidth: 260 }}
      filterOption={(text, option) =>
        String(option?.label ?? '')
          .toLowerCase()
          .includes(text.toLowerCase())
      }
      onChange={onChange}
    />
  );
}
